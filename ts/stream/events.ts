import type { EventEmitter } from 'node:events'
import type { PastreamError } from '../error.ts'
import { interrupt } from '../interrupt.ts'

/** Events that wait to be taken, at most; more are counted. */
const EVENTS = 1024

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

/** A file that a run has completed. */
export interface WrittenFile {
  /** Its path, or the name of the pipe. */
  readonly path: string
  /** The frame of the recording that it begins with, at the stream's rate: after the run's `offset`, gaps included. */
  readonly frame: number
  /** Its frames, at its own rate. */
  readonly frames: number
  /** Whether it is finished and in its place. Where not, the error of the run says why; what it holds is valid. */
  readonly complete: boolean
}

/** How a run ended. */
export type Outcome = 'finished' | 'stopped' | 'aborted' | 'bufferEmpty' | 'bufferFull' | 'deviceLost'

/** What a stream tells. `error` is told where somebody listens, and thrown by the next call that waits in any case. */
export interface StreamEvents {
  xrun: [XrunEvent]
  gap: [GapEvent]
  file: [WrittenFile]
  finished: [Outcome]
  deviceLost: []
  error: [PastreamError]
}

/** The same as one value, as `events()` gives it. `dropped`: so many came while nobody took them. */
export type StreamEvent =
  | ({ readonly type: 'xrun' } & XrunEvent)
  | ({ readonly type: 'gap' } & GapEvent)
  | ({ readonly type: 'file' } & WrittenFile)
  | { readonly type: 'finished'; readonly outcome: Outcome }
  | { readonly type: 'deviceLost' }
  | { readonly type: 'error'; readonly error: PastreamError }
  | { readonly type: 'dropped'; readonly count: number }

export function xrunKinds(bits: number): XrunKind[] {
  return XRUN_KINDS.filter((_, bit) => bits & (1 << bit))
}

/** What `stream` tells until it is over, of which `closing` are told. */
export function eventsOf(
  stream: EventEmitter<StreamEvents>,
  closing: Set<() => void>,
  isOver: () => boolean,
  signal: AbortSignal | undefined,
): AsyncIterableIterator<StreamEvent> {
  const waiting: StreamEvent[] = []
  let dropped = 0
  let wake = (): void => {}
  const push = (event: StreamEvent): void => {
    if (waiting.length < EVENTS) waiting.push(event)
    else dropped++
    wake()
  }
  const listeners = {
    xrun: (event) => push({ type: 'xrun', ...event }),
    gap: (event) => push({ type: 'gap', ...event }),
    file: (file) => push({ type: 'file', ...file }),
    deviceLost: () => push({ type: 'deviceLost' }),
    error: (error) => push({ type: 'error', error }),
    finished: (outcome) => push({ type: 'finished', outcome }),
  } satisfies { [K in keyof StreamEvents]: (...args: StreamEvents[K]) => void }
  const names = Object.keys(listeners) as (keyof StreamEvents)[]
  for (const name of names) stream.on(name, listeners[name] as never)
  const closed = (): void => wake()
  closing.add(closed)
  const leave = (): void => {
    closing.delete(closed)
    for (const name of names) stream.off(name, listeners[name] as never)
  }
  const steps = (async function* told(): AsyncGenerator<StreamEvent, undefined> {
    try {
      for (;;) {
        signal?.throwIfAborted()
        const event = waiting.shift()
        if (event) yield event
        else if (dropped > 0) {
          const count = dropped
          dropped = 0
          yield { type: 'dropped', count }
        } else if (isOver()) return undefined
        else await interrupt(new Promise<void>((resolve) => (wake = resolve)), signal)
      }
    } finally {
      leave()
    }
  })()
  return {
    next: () => steps.next(),
    return() {
      // A generator that was not begun has no end.
      leave()
      return steps.return(undefined)
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
