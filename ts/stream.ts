import { EventEmitter } from 'node:events'
import { invalid, PastreamError } from './error.ts'
import { describe, SoundFile, type FileSink, type FileSource } from './file.ts'
import { bytes, samples, sampleSize, type Format, type SampleArray } from './format.ts'
import { call, native, settle } from './native.ts'
import type { BindingStream, OpenedDirection, RouteOptions, SideOptions } from './binding/binding.js'

/** `[playback, recording]`, or one value for both. */
export type Pair<T> = T | readonly [playback: T | undefined, recording: T | undefined]

/** `[i]` is the source channel, from 1, of output channel i + 1, 0 silence; or `{ source: output }`. */
export type Mapping = readonly number[] | Readonly<Record<number, number>>

export interface StreamOptions {
  /** A device's id or a part of its name. @default 'default' */
  device?: string
  /** In Hz. */
  sampleRate?: number
  channels?: Pair<number>
  format?: Pair<Format>
  /** Frames of a callback's block. */
  blockSize?: number
  /** @default 'high' */
  latency?: 'low' | 'high' | number
  /** When a live source has too little: play silence, or end with BUFFER_EMPTY. @default 'silence' */
  underrun?: 'silence' | 'abort'
  /** When a sink has no room: count a gap, or end with BUFFER_FULL. @default 'gap' */
  overrun?: 'gap' | 'abort'
  txMapping?: Mapping
  rxMapping?: Mapping
}

/** Counts of frames; negative or `null` is the seed's negative: no bound. */
export interface RunOptions {
  /** @default -1 */
  frames?: number | null
  /** @default 0 with a source that ends, else no bound */
  pad?: number | null
  /** Frames to drop from the start of the recording. @default 0 */
  offset?: number
  /** Frames of the source to wait for; true: its ring is full. @default true */
  prebuffer?: boolean | number
}

export type Samples = ArrayBufferView | ArrayBuffer
export type Source = Samples | string | FileSource | SoundFile
export type Sink = string | FileSink

export interface XrunEvent {
  readonly frame: number
  readonly kinds: readonly XrunKind[]
}
export interface GapEvent {
  readonly side: 'playback' | 'recording'
  readonly frame: number
  readonly length: number
  readonly cause: 'starved' | 'full' | 'xrun'
}
interface Events {
  xrun: [XrunEvent]
  gap: [GapEvent]
  finished: [outcome: string]
  error: [PastreamError]
}

const KINDS = ['inputUnderflow', 'inputOverflow', 'outputUnderflow', 'outputOverflow'] as const
export type XrunKind = (typeof KINDS)[number]

const BUFFER_SIZE = 65_536
/** File sinks get so many seconds of ring. */
const DISK_SECONDS = 10

function both<T>(pair: Pair<T> | undefined): readonly [T | undefined, T | undefined] {
  return Array.isArray(pair) ? [pair[0], pair[1]] : [pair as T | undefined, pair as T | undefined]
}

function routes(mapping: Mapping | undefined): RouteOptions[] | undefined {
  if (mapping === undefined) return undefined
  const pairs = Array.isArray(mapping)
    ? mapping.map((from: number, index: number) => [from, index + 1] as const).filter(([from]) => from !== 0)
    : Object.entries(mapping).map(([from, to]) => [Number(from), to as number] as const)
  return pairs.map(([from, to]) => {
    if (!Number.isInteger(from) || !Number.isInteger(to) || from < 1 || to < 1) {
      throw invalid(`channel ${from} can't go to channel ${to}: channels count from 1`)
    }
    return { from: from - 1, to: to - 1, gain: 1 }
  })
}

function natural(name: string, value: number | undefined, least = 1): number | undefined {
  if (value === undefined || (Number.isInteger(value) && value >= least && value < 2 ** 32)) return value
  throw invalid(`${name} is ${String(value)}: give a whole number of at least ${least}`)
}

function defined<T extends object>(record: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>
  }
}

/** What both directions have in common. Opened by the classes below. */
export class Stream extends EventEmitter<Events> implements AsyncDisposable {
  readonly #binding: BindingStream
  readonly #sides: readonly OpenedDirection[]
  #closed = false
  #source = false

  /** @internal */
  protected constructor(options: StreamOptions, plays: boolean, records: boolean) {
    super()
    const channels = both(options.channels)
    const format = both(options.format)
    const side = (index: 0 | 1, mapping: Mapping | undefined): SideOptions =>
      defined({ channels: natural('channels', channels[index]), format: format[index], routes: routes(mapping) })
    if (options.latency !== undefined && typeof options.latency === 'number' && !(options.latency > 0)) {
      throw invalid(`latency is ${options.latency}: give 'low', 'high' or seconds above 0`)
    }
    this.#binding = call(() =>
      native.BindingStream.open({
        device: options.device ?? 'default',
        lowLatency: options.latency === 'low',
        abortStarved: options.underrun === 'abort',
        abortFull: options.overrun === 'abort',
        ...defined({
          sampleRate: natural('sampleRate', options.sampleRate),
          playback: plays ? side(0, options.txMapping) : undefined,
          recording: records ? side(1, options.rxMapping) : undefined,
          blockSize: natural('blockSize', options.blockSize, 0),
          latency: typeof options.latency === 'number' ? options.latency : undefined,
        }),
      }),
    )
    const { playback, recording } = this.#binding.opened
    this.#sides = [playback, recording].filter((opened) => opened !== undefined && opened !== null)
    this.#binding.listen((event) => {
      const { kind, frame, value } = event
      if (kind === 'xrun') this.emit('xrun', { frame, kinds: KINDS.filter((_, bit) => value & (1 << bit)) })
      else if (kind === 'gap') {
        this.emit('gap', {
          side: event.side as GapEvent['side'],
          frame,
          length: value,
          cause: event.cause as GapEvent['cause'],
        })
      } else this.emit('finished', event.side)
    })
  }

  get sampleRate(): number {
    return this.#binding.opened.sampleRate
  }
  #each<T>(of: (side: OpenedDirection) => T): T | T[] {
    const [first, second] = this.#sides.map(of)
    return second === undefined || second === first ? (first as T) : [first as T, second]
  }
  /** Samples in a frame; `[playback, recording]` where they differ. */
  get channels(): number | number[] {
    return this.#each(({ channels }) => channels)
  }
  get format(): Format | Format[] {
    return this.#each(({ format }) => format as Format)
  }
  /** Bytes of a sample. */
  get sampleSize(): number | number[] {
    return this.#each(({ format }) => sampleSize(format as Format))
  }
  /** Seconds from playing to hearing, and from sound to recording. */
  get latency(): number | number[] {
    return this.#each(({ latency }) => latency)
  }
  /** Frames of a block, 0 where it varies. */
  get blockSize(): number {
    return this.#binding.opened.blockSize
  }
  get device(): string {
    return this.#binding.opened.device
  }
  get isDuplex(): boolean {
    return this.#sides.length === 2
  }
  /** Whether a run is under way. */
  get active(): boolean {
    return this.#binding.measures.active
  }
  /** Whether no run is under way. */
  get stopped(): boolean {
    return !this.active
  }
  /** Whether the last run is over, however it ended. */
  get finished(): boolean {
    return this.#binding.measures.finished
  }
  /** Whether the last run was aborted. */
  get aborted(): boolean {
    const { finished, outcome } = this.#binding.measures
    return finished && outcome !== 'finished' && outcome !== 'stopped'
  }
  get closed(): boolean {
    return this.#closed
  }
  /** Frames that the device clocked since the start, gaps included. */
  get frameCount(): number {
    return this.#binding.measures.frameCount
  }
  /** Source frames that were played. */
  get played(): number {
    return this.#binding.measures.played
  }
  /** Callbacks with an xrun since the start. */
  get xruns(): number {
    return this.#binding.measures.xruns
  }
  get xrunCounts(): Record<XrunKind, number> {
    const counts = this.#binding.measures.xrunCounts
    return Object.fromEntries(KINDS.map((kind, index) => [kind, counts[index] ?? 0])) as Record<XrunKind, number>
  }
  /** The kinds of xrun since the start. */
  get status(): XrunKind[] {
    return KINDS.filter((_, bit) => this.#binding.status & (1 << bit))
  }
  /** Recorded frames that were lost, in how many gaps, and frames of silence that stood in for a late source. */
  get gaps(): { count: number; frames: number; starved: number } {
    const { losses, lost, starved } = this.#binding.measures
    return { count: losses, frames: lost, starved }
  }
  /** Seconds of the device's clock. */
  get time(): number {
    return this.#binding.time
  }
  /** The share of a block's time that the callback takes, 0 to 1. */
  get cpuLoad(): number {
    return this.#binding.cpuLoad
  }

  #side(recording: boolean): OpenedDirection {
    const { playback, recording: records } = this.#binding.opened
    const side = recording ? records : playback
    if (side) return side
    throw invalid(`the stream does not ${recording ? 'record' : 'play'}: open one that does`)
  }

  /** What the next runs play; `null` is silence. An array is copied. */
  async setSource(source: Source | null, options: { loop?: boolean; bufferSize?: number } = {}): Promise<void> {
    const loop = options.loop ?? false
    this.#source = false
    if (source === null) call(() => this.#binding.clearSource())
    else if (ArrayBuffer.isView(source) || source instanceof ArrayBuffer) {
      call(() => this.#binding.setSourceBuffer(bytes(source), loop))
    } else {
      const size = natural('bufferSize', options.bufferSize) ?? BUFFER_SIZE
      const file = source instanceof SoundFile ? source : await SoundFile.open(source)
      call(() => this.#binding.setSourceFile(SoundFile.binding(file), loop, size))
    }
    this.#source = source !== null
  }

  /** Where the next run records to: files, each with its own ring and losses. `null`: nowhere. */
  async setSink(sink: Sink | readonly Sink[] | null, options: { bufferSize?: number } = {}): Promise<void> {
    const size = natural('bufferSize', options.bufferSize) ?? Math.max(BUFFER_SIZE, DISK_SECONDS * this.sampleRate)
    const sinks = sink === null ? [] : Array.isArray(sink) ? (sink as readonly Sink[]) : [sink as Sink]
    this.#binding.clearSinks()
    for (const each of sinks) {
      const options = describe(typeof each === 'string' ? { path: each } : each)
      call(() => this.#binding.addSinkFile(options, size))
    }
    call(() => this.#binding.setSinks())
  }

  /** Starts a run, once the source has given what `prebuffer` asks for. */
  async start({ frames, pad, offset = 0, prebuffer = true }: RunOptions = {}): Promise<void> {
    const bound = (name: string, value: number | null | undefined, unset?: number): number | undefined => {
      if (value === undefined) return unset
      if (value === null || value < 0) return undefined
      if (!Number.isSafeInteger(value)) throw invalid(`${name} is ${value}: give a whole number of frames`)
      return value
    }
    const wait = prebuffer === true ? undefined : Number(prebuffer)
    await settle(() =>
      this.#binding.start({
        offset: natural('offset', offset, 0) ?? 0,
        ...defined({
          frames: bound('frames', frames),
          pad: bound('pad', pad, this.#source ? 0 : undefined),
          prebuffer: wait,
        }),
      }),
    )
  }

  /** Ends the run at the next block; resolves when everything is written. Throws the run's first error. */
  async stop(): Promise<void> {
    await settle(() => this.#binding.stop())
  }

  /** Ends the run at once; resolves when everything is written. Throws the run's first error. */
  async abort(): Promise<void> {
    await settle(() => this.#binding.abort())
  }

  /** Aborts what runs and frees the device. Safe to call more than once. */
  async close(): Promise<void> {
    this.#closed = true
    await settle(() => this.#binding.close())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Waits for the end of the run: true; or for `timeout` seconds: false. Throws the run's first error. */
  async wait({ timeout }: { timeout?: number } = {}): Promise<boolean> {
    return (await settle(() => this.#binding.wait(timeout))) ?? true
  }

  /** @internal */
  protected async run(options: RunOptions): Promise<void> {
    await this.start(options)
    await this.wait()
  }

  /** @internal The run's recording, in a new array or the front of `out`. */
  protected async take<T extends Samples>(options: RunOptions, frames: number | undefined, out?: T) {
    const { channels, format } = this.#side(true)
    const size = channels * sampleSize(format as Format)
    const room = out === undefined ? frames : Math.floor(out.byteLength / size)
    if (room === undefined || room < 0) throw invalid('one of `frames` and `out` says how much to record')
    this.#binding.clearSinks()
    call(() => this.#binding.addSinkBuffer(room))
    call(() => this.#binding.setSinks())
    await this.run(options)
    const recorded = this.#binding.takeRecording() ?? new Uint8Array()
    if (out === undefined) return samples(format as Format, recorded)
    bytes(out).set(recorded)
    return out
  }

  /** Plays; resolves when the last frame has left the device. */
  protected async playSource(source: Source, options: PlayOptions = {}): Promise<void> {
    await this.setSource(source, options)
    await this.run({ frames: options.frames ?? null, pad: options.pad === undefined ? 0 : options.pad })
  }
}

export interface PlayOptions {
  frames?: number | null
  pad?: number | null
  loop?: boolean
  bufferSize?: number
}
export interface RecordOptions<T extends Samples = SampleArray> {
  /** With `offset` in it: the recording has frames − offset. */
  frames?: number
  offset?: number
  out?: T
}
export type PlayRecordOptions<T extends Samples = SampleArray> = PlayOptions & RecordOptions<T>

async function record<T extends Samples>(
  take: Stream['take' & keyof Stream] | ((run: RunOptions, frames: number | undefined, out?: T) => Promise<unknown>),
  { frames, offset = 0, out }: RecordOptions<T>,
): Promise<unknown> {
  if (frames !== undefined && frames < offset) throw invalid(`offset ${offset} is beyond the end at ${frames} frames`)
  const length = frames === undefined ? undefined : frames - offset
  return (take as (run: RunOptions, frames: number | undefined, out?: T) => Promise<unknown>)(
    { frames: frames ?? null, offset },
    length,
    out,
  )
}

/** Plays. */
export class OutputStream extends Stream {
  static async open(options: StreamOptions = {}): Promise<OutputStream> {
    return new OutputStream(options, true, false)
  }

  async play(source: Source, options: PlayOptions = {}): Promise<void> {
    await this.playSource(source, options)
  }
}

/** Records. */
export class InputStream extends Stream {
  static async open(options: StreamOptions = {}): Promise<InputStream> {
    return new InputStream(options, false, true)
  }

  async record<T extends Samples = SampleArray>(options: RecordOptions<T>): Promise<T> {
    return (await record<T>((...args) => this.take(...args), options)) as T
  }
}

/** Plays and records at once. */
export class DuplexStream extends Stream {
  static async open(options: StreamOptions = {}): Promise<DuplexStream> {
    return new DuplexStream(options, true, true)
  }

  async play(source: Source, options: PlayOptions = {}): Promise<void> {
    await this.setSink(null)
    await this.playSource(source, options)
  }

  async record<T extends Samples = SampleArray>(options: RecordOptions<T>): Promise<T> {
    await this.setSource(null)
    return (await record<T>((...args) => this.take(...args), options)) as T
  }

  /** Plays and records what comes back: frames − offset + max(pad, 0) frames, interleaved. */
  async playrec<T extends Samples = SampleArray>(source: Source, options: PlayRecordOptions<T> = {}): Promise<T> {
    const { offset = 0, out } = options
    const pad = options.pad === undefined ? 0 : options.pad
    const known = options.frames ?? (ArrayBuffer.isView(source) ? this.#length(source) : undefined)
    const frames = known !== undefined && known !== null && known >= 0 ? known : undefined
    if (frames !== undefined && frames < offset) throw invalid(`offset ${offset} is beyond the end at ${frames} frames`)
    await this.setSource(source, options)
    const length = frames === undefined ? undefined : frames - offset + Math.max(pad ?? 0, 0)
    return (await this.take({ frames: options.frames ?? null, pad, offset }, length, out)) as T
  }

  #length(source: ArrayBufferView): number {
    const size = (value: number | number[]): number => (Array.isArray(value) ? (value[0] ?? 1) : value)
    return source.byteLength / (size(this.channels) * size(this.sampleSize))
  }
}
