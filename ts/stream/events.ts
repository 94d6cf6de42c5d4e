import type { PastreamError } from '../error.ts'

/** What a device may miss. */
export type XrunKind = 'inputUnderflow' | 'inputOverflow' | 'outputUnderflow' | 'outputOverflow'
/** In the order of the binding's bits. */
export const XRUN_KINDS: readonly XrunKind[] = ['inputUnderflow', 'inputOverflow', 'outputUnderflow', 'outputOverflow']

/** A callback that the device reported an xrun to. */
export interface XrunEvent {
  /** Frames that the device had clocked. */
  readonly frame: number
  readonly kinds: readonly XrunKind[]
}

/** Frames that were not played, or not recorded, when they should have been. */
export interface GapEvent {
  readonly side: 'playback' | 'recording'
  /** Where it began: frames that the device had clocked. */
  readonly frame: number
  /** In frames. */
  readonly length: number
  /** A late source, a full sink, or an xrun of the device. */
  readonly cause: 'starved' | 'full' | 'xrun'
}

/** How a run ended. */
export type Outcome = 'finished' | 'stopped' | 'aborted' | 'bufferEmpty' | 'bufferFull' | 'deviceLost'

/** What a stream tells. `error` is told where somebody listens, and thrown by the next call that waits in any case. */
export interface StreamEvents {
  xrun: [XrunEvent]
  gap: [GapEvent]
  finished: [Outcome]
  deviceLost: []
  error: [PastreamError]
}

/** The same as one value, as `events()` gives it. `dropped`: so many came while nobody took them. */
export type StreamEvent =
  | ({ readonly type: 'xrun' } & XrunEvent)
  | ({ readonly type: 'gap' } & GapEvent)
  | { readonly type: 'finished'; readonly outcome: Outcome }
  | { readonly type: 'deviceLost' }
  | { readonly type: 'error'; readonly error: PastreamError }
  | { readonly type: 'dropped'; readonly count: number }

export function xrunKinds(bits: number): XrunKind[] {
  return XRUN_KINDS.filter((_, bit) => bits & (1 << bit))
}
