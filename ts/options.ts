import { invalid } from './error.ts'
import type { Format } from './format.ts'
import type { ConversionOptions as BindingConversion, RouteOptions } from './binding/binding.js'

/** `[playback, recording]`, or one value for both. */
export type Pair<T> = T | readonly [playback: T | undefined, recording: T | undefined]

/**
 * Which channel goes where, counted from 1: `[i]` is the source of output channel i + 1, 0 being silence; or
 * `{ source: output }`. A source may feed several outputs.
 */
export type Mapping = readonly number[] | Readonly<Record<number, number>>

/** The format that a stream opened with `F` records in: float32 where none is given. */
export type Recorded<F> = F extends Format ? F : F extends readonly [unknown, infer R extends Format] ? R : 'float32'

/** What a stream is opened with. What is not set here and in `defaults` is up to the device. */
export interface StreamOptions<F extends Pair<Format> = Pair<Format>> {
  /**
   * A device's id, its name, or parts of that; or its `index` in the list of `devices()`, also in digits. A comma parts two
   * devices, as in a stream's own `device`, unless all is one's id or name. Two devices are joined: the playback's clock
   * paces both, see `alignment`.
   * @default 'default'
   */
  device?: Pair<string | number>
  /** In Hz. */
  sampleRate?: number
  /** Samples in a frame, 1 to 256. */
  channels?: Pair<number>
  /** @default 'float32' */
  format?: F
  /** Frames of the device's block; 0: the device decides. @default 0 */
  blockSize?: number
  /** How far the device may lag behind: its lowest, its safest, or seconds. @default 'high' */
  latency?: 'low' | 'high' | number
  /** Where a live source is late: play silence and count a gap, or end with `BUFFER_EMPTY`. @default 'silence' */
  underrun?: 'silence' | 'abort'
  /** Where a sink has no room: count a gap, or end with `BUFFER_FULL`. @default 'gap' */
  overrun?: 'gap' | 'abort'
  /** Where the device reports an xrun: count it, or end with `XRUN`. @default 'count' */
  xrun?: 'count' | 'abort'
  /** From the source's channels to the device's. @default each to itself */
  txMapping?: Mapping
  /** From the device's channels to the sink's. @default each to itself */
  rxMapping?: Mapping
}

/** How well a rate is converted: for previews, for 16 bits, for 24 bits. */
export type Quality = 'fast' | 'good' | 'best'

/** How a file that is played or recorded is fitted to the stream. */
export interface ConversionOptions {
  /** How well it is resampled where its rate is another than the stream's. @default 'best' */
  quality?: Quality
  /** In dB, -200 to 200; what comes out beyond full scale is clipped, but for floats. @default 0: the level stays */
  gain?: number
}

/** What a source is set with. `resample`, `quality` and `gain` are of files: other sources have no rate. */
export interface SourceOptions extends ConversionOptions {
  /** A file of another rate is resampled, or it is an error: `UNSUPPORTED_CONFIG`. @default 'auto' */
  resample?: 'auto' | 'off'
  /** Begin again at the end, with no gap. @default false */
  loop?: boolean
  /**
   * Frames of the ring between source and device. One that holds less than the device asks for at once is refused when the
   * run starts. @default 65536, and twice what the device asks for at its start
   */
  bufferSize?: number
}

/** What a sink is set with. */
export interface SinkOptions {
  /** Frames of the ring between device and sink. @default 10 seconds for a file, else as of a source */
  bufferSize?: number
}

/** What a run is started with. Counts are frames of the stream; negative or `null` is no bound. */
export interface RunOptions {
  /** How long to run. @default -1: until the source has ended; for ever without one */
  frames?: number | null
  /** Silence after the source; negative: up to `frames`, or for ever. @default 0 */
  pad?: number | null
  /** Frames to drop from the start of the recording. @default 0 */
  offset?: number
  /**
   * Drop the round trip from playback to recording, as `alignment` tells it, off the start of the recording, so that its
   * first frame is what was in the air while the first frame played. The run is as much longer. @default false
   */
  align?: boolean
  /** Frames of the source to wait for before the device starts; true: as many as its ring holds. @default true */
  prebuffer?: boolean | number
  /** Ends the start, and with it the run. */
  signal?: AbortSignal
}

/** A pair's two sides. */
export function sides<T>(pair: Pair<T> | undefined): readonly [T | undefined, T | undefined] {
  return Array.isArray(pair) ? [pair[0], pair[1]] : [pair as T | undefined, pair as T | undefined]
}

/** Leaves out what is undefined. */
export function defined<T extends object>(record: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>
  }
}

/** Refuses what is left of `options` when all that there are were taken out: a misspelt one would be ignored. */
export function nothingElse(options: object): void {
  const [name] = Object.keys(options)
  if (name !== undefined) throw invalid(`there is no option \`${name}\` here: check its spelling, or leave it out`)
}

/** A whole number from `least` to `most`, or none. */
export function natural(name: string, value: number | undefined, least = 1, most = 2 ** 32 - 1): number | undefined {
  if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) return value
  throw invalid(`${name} is ${String(value)}: give a whole number from ${least} to ${most}`)
}

/** A count of frames from 0 on, or none. */
export function count(name: string, value: number | undefined): number | undefined {
  return natural(name, value, 0, Number.MAX_SAFE_INTEGER)
}

/** A count of frames, or none: what is negative or `null` is no bound. */
export function bound(name: string, value: number | null | undefined): number | undefined {
  if (value === undefined || value === null || value < 0) return undefined
  if (Number.isSafeInteger(value)) return value
  throw invalid(`${name} is ${String(value)}: give a whole number of frames`)
}

/** Seconds, or none. */
export function seconds(name: string, value: number | undefined): number | undefined {
  if (value === undefined || (value >= 0 && value < 2 ** 53)) return value
  throw invalid(`${name} is ${String(value)}: give seconds, 0 or more`)
}

/** One of some words, or none. */
export function choice<T extends string | boolean>(
  name: string,
  value: T | undefined,
  ...words: readonly T[]
): T | undefined {
  if (value === undefined || words.includes(value)) return value
  throw invalid(`${name} is ${String(value)}: give one of ${words.join(', ')}`)
}

/** How a file is fitted to a stream, as the binding takes it. */
export function conversion({ resample, quality, gain = 0 }: Omit<SourceOptions, 'loop'>): BindingConversion {
  if (typeof gain !== 'number') throw invalid(`gain is ${String(gain)}: give a level in dB`)
  return {
    resample: choice('resample', resample, 'auto', 'off') !== 'off',
    gain,
    ...defined({ quality: choice('quality', quality, 'fast', 'good', 'best') }),
  }
}

/** A mapping as the binding takes it. */
export function routes(mapping: Mapping | undefined): RouteOptions[] | undefined {
  if (mapping === undefined) return undefined
  const pairs = Array.isArray(mapping)
    ? mapping.map((from: number, index: number) => [from, index + 1] as const).filter(([from]) => from !== 0)
    : Object.entries(mapping).map(([from, to]) => [Number(from), to as number] as const)
  return pairs.map(([from, to]) => {
    if ([from, to].every((channel) => Number.isInteger(channel) && channel >= 1)) {
      return { from: from - 1, to: to - 1, gain: 1 }
    }
    throw invalid(`channel ${from} can't go to channel ${to}: channels count from 1`)
  })
}
