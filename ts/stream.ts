import { EventEmitter } from 'node:events'
import { Chunks, type Cut } from './chunks.ts'
import { invalid, type PastreamError } from './error.ts'
import { SoundFile, type FileSink, type FileSource } from './file.ts'
import {
  bytes,
  bytesOf,
  isSamples,
  samples,
  sampleSize,
  type Format,
  type SampleArray,
  type Samples,
} from './format.ts'
import { attach, call, failure, native, settle } from './native.ts'
import {
  bound,
  choice,
  defined,
  natural,
  nothingElse,
  routes,
  seconds,
  sides,
  type Mapping,
  type RunOptions,
  type SinkOptions,
  type SourceOptions,
  type StreamOptions,
} from './options.ts'
import type { RingBuffer } from './ring.ts'
import { setSinks, type Sink } from './sink.ts'
import { resolve, setSource, type Source } from './source.ts'
import type { BindingStream, OpenedDirection, Settled, SideOptions, StreamEventObject } from './binding/binding.js'

const XRUN_KINDS = ['inputUnderflow', 'inputOverflow', 'outputUnderflow', 'outputOverflow'] as const
/** What a device may miss. */
export type XrunKind = (typeof XRUN_KINDS)[number]

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

/** What is counted in gaps. */
export interface Gaps {
  /** Gaps in recordings. */
  readonly count: number
  /** Their frames. */
  readonly frames: number
  /** Frames of silence that were played in place of a late source. */
  readonly starved: number
}

export type PlayOptions = Pick<RunOptions, 'frames' | 'pad'> & SourceOptions
export interface RecordOptions<T extends Samples = SampleArray> {
  /** What the stream clocks: the recording has frames − offset. Required but with `out`. */
  frames?: number | null
  /** Frames to leave out at the start. @default 0 */
  offset?: number
  /** Memory to record into, until it is full. */
  out?: T
}
export type PlayRecordOptions<T extends Samples = SampleArray> = PlayOptions & RecordOptions<T>
/** Counts as in the seed: `pad` is -1 where it is not given, so that chunks go on when the playback is over. */
export type ChunkOptions = Cut & Omit<RunOptions, 'prebuffer'> & { playback?: Source; loop?: boolean }

/** The longest time of a timer. */
const FOR_EVER = 2 ** 31 - 1

// A process that ends runs no clean-up of its addons: files are finished here, threads joined.
process.once('exit', () => native.closeAll())

/** A side that plays or records, with its frame's bytes. */
interface Direction {
  readonly format: Format
  readonly channels: number
  readonly frameSize: number
}

/** What every stream is. Opened by `InputStream`, `OutputStream` and `DuplexStream`. */
export abstract class Stream extends EventEmitter<StreamEvents> implements AsyncDisposable {
  readonly #binding: BindingStream
  #closed = false
  #plays = false
  /** Those whose end was not told yet; all but the last one are over. */
  readonly #runs: Run[] = []

  /** @internal */
  protected constructor(options: StreamOptions, plays: boolean, records: boolean) {
    super()
    const { device = 'default', sampleRate, blockSize, latency, underrun, overrun, ...sided } = options
    const { channels: counts, format, txMapping, rxMapping, ...rest } = sided
    nothingElse(rest)
    const [channels, formats] = [sides(counts), sides(format)]
    const side = (index: 0 | 1, mapping: Mapping | undefined): SideOptions =>
      defined({ channels: natural('channels', channels[index]), format: formats[index], routes: routes(mapping) })
    const word = typeof latency === 'number' ? undefined : choice('latency', latency, 'low', 'high')
    const asked = {
      device,
      lowLatency: word === 'low',
      abortStarved: choice('underrun', underrun, 'silence', 'abort') === 'abort',
      abortFull: choice('overrun', overrun, 'gap', 'abort') === 'abort',
      ...defined({
        sampleRate: natural('sampleRate', sampleRate),
        playback: plays ? side(0, txMapping) : undefined,
        recording: records ? side(1, rxMapping) : undefined,
        blockSize: natural('blockSize', blockSize, 0) || undefined,
        latency: seconds('latency', typeof latency === 'number' ? latency : undefined),
      }),
    }
    this.#binding = call(() => native.BindingStream.open(asked))
    const weak = new WeakRef(this)
    this.#binding.listen((event) => {
      const stream = weak.deref()
      if (stream) stream.#tell(event)
    })
  }

  #tell({ kind, frame, value, word, cause, failure: failed }: StreamEventObject): void {
    if (kind === 'xrun') this.emit('xrun', { frame, kinds: xrunKinds(value) })
    else if (kind === 'gap') {
      const [side, why] = [word as GapEvent['side'], cause as GapEvent['cause']]
      this.emit('gap', { side, frame, length: value, cause: why })
    } else if (kind === 'deviceLost') this.emit('deviceLost')
    else {
      this.#runs.shift()?.end()
      if (failed && this.listenerCount('error') > 0) this.emit('error', failure(failed))
      this.emit('finished', word as Outcome)
    }
  }

  /** In Hz. */
  get sampleRate(): number {
    return this.#binding.opened.sampleRate
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
  /** Seconds between the program and the air, on the way out and on the way in. */
  get latency(): number | number[] {
    return this.#each(({ latency }) => latency)
  }
  #each<T>(of: (side: OpenedDirection) => T): T | T[] {
    const { playback, recording } = this.#binding.opened
    const [first, second] = [playback, recording].flatMap((side) => (side ? [of(side)] : []))
    return second === undefined || second === first ? (first as T) : [first as T, second]
  }
  /** Frames of a block, 0 where it varies. */
  get blockSize(): number {
    return this.#binding.opened.blockSize
  }
  /** The device's id. */
  get device(): string {
    return this.#binding.opened.device
  }
  get isDuplex(): boolean {
    const { playback, recording } = this.#binding.opened
    return Boolean(playback && recording)
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
  /** Whether the last run ended before its time: aborted, failed, or its device lost. */
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
  /** Source frames that were played since the start. */
  get played(): number {
    return this.#binding.measures.played
  }
  /** Callbacks with an xrun since the start. */
  get xruns(): number {
    return this.#binding.measures.xruns
  }
  /** Callbacks with each kind of xrun since the start. */
  get xrunCounts(): Record<XrunKind, number> {
    const counts = this.#binding.measures.xrunCounts
    return Object.fromEntries(XRUN_KINDS.map((kind, index) => [kind, counts[index] ?? 0])) as Record<XrunKind, number>
  }
  /** The kinds of xrun since the start. */
  get status(): XrunKind[] {
    return xrunKinds(this.#binding.status)
  }
  get gaps(): Gaps {
    const { losses: count, lost: frames, starved } = this.#binding.measures
    return { count, frames, starved }
  }
  /** Seconds of the device's clock. */
  get time(): number {
    return this.#binding.time
  }
  /** The share of a block's time that the callback takes, 0 to 1. */
  get cpuLoad(): number {
    return this.#binding.cpuLoad
  }

  #direction(recording: boolean): Direction {
    const { opened } = this.#binding
    const side = recording ? opened.recording : opened.playback
    if (!side) throw invalid(`the stream does not ${recording ? 'record' : 'play'}: open one that does`)
    const format = side.format as Format
    return { format, channels: side.channels, frameSize: side.channels * sampleSize(format) }
  }

  /** What the next runs play; `null` is silence. Samples are copied. Rejects where they are not the stream's. */
  async setSource(source: Source | null, options: SourceOptions = {}): Promise<void> {
    if (source === null && !this.#binding.opened.playback) return
    await setSource(this.#binding, this.#direction(false).format, source, options)
    this.#plays = source !== null
  }

  /**
   * Where the next runs record to: each of `sink` with its own ring and losses. A ring takes part in every run, a file is
   * complete after one: a `start` or `play` then rejects with `STREAM_STATE` until sinks are set anew. `null`: nowhere.
   */
  async setSink(sink: Sink | readonly Sink[] | null, options: SinkOptions = {}): Promise<void> {
    const sinks = sink === null ? [] : Array.isArray(sink) ? (sink as readonly Sink[]) : [sink as Sink]
    setSinks(this.#binding, this.sampleRate, sinks, options)
  }

  /** Records the next run into a file of the stream's rate and channels; its encoding follows the stream's format. */
  async toFile(path: string, options: Omit<FileSink, 'path'> & SinkOptions = {}): Promise<void> {
    const { bufferSize, ...file } = options
    await this.setSink({ path, ...file }, defined({ bufferSize }))
  }

  /** Starts a run, once the source has given what `prebuffer` asks for. Rejects where one is under way. */
  async start({ frames, pad, offset, prebuffer = true, ...rest }: RunOptions = {}): Promise<void> {
    nothingElse(rest)
    const options = {
      offset: natural('offset', offset, 0) ?? 0,
      ...defined({
        frames: bound('frames', frames),
        pad: pad === undefined && this.#plays ? 0 : bound('pad', pad),
        prebuffer: prebuffer === true ? undefined : natural('prebuffer', Number(prebuffer), 0),
      }),
    }
    const run = hold(this)
    this.#runs.push(run)
    try {
      await settle(() => this.#binding.start(options))
    } catch (error) {
      this.#runs.splice(this.#runs.indexOf(run), 1)
      run.end()
      throw error
    }
  }

  /** Waits for a call that ends the run, or waits for it; what happened in the run is told before. */
  async #settle(work: () => Promise<Settled>): Promise<boolean> {
    const over = this.#runs.at(-1)?.over
    let ended = true
    try {
      ended = (await settle(work)) ?? true
    } finally {
      if (ended) await over
    }
    return ended
  }

  /** Ends the run at the next block; resolves when everything is written. Rejects with the run's first error. */
  async stop(): Promise<void> {
    await this.#settle(() => this.#binding.stop())
  }

  /** Ends the run at once; resolves when everything is written. Rejects with the run's first error. */
  async abort(): Promise<void> {
    await this.#settle(() => this.#binding.abort())
  }

  /** Aborts what runs and frees the device. Safe to call more than once. Rejects with the run's first error. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#settle(() => this.#binding.close())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /**
   * Waits until no run is under way: true; or for `timeout` seconds: false. Rejects with the run's first error, which
   * is thrown once.
   */
  async wait({ timeout, ...rest }: { timeout?: number } = {}): Promise<boolean> {
    nothingElse(rest)
    const limit = seconds('timeout', timeout)
    return this.#settle(() => this.#binding.wait(limit))
  }

  /** Plays; resolves when the last frame has left the device. */
  protected async play(source: Source, { frames, pad, ...options }: PlayOptions = {}): Promise<void> {
    await this.setSource(source, options)
    await this.start(defined({ frames, pad }))
    await this.wait()
  }

  /**
   * Records frames − offset frames, or as many as `out` holds: frames × channels, interleaved. Where the run fails, what
   * was recorded until then is in `out`, and in the error's `recording`.
   */
  protected async record<T extends Samples = SampleArray>({
    frames,
    offset = 0,
    out,
    ...rest
  }: RecordOptions<T>): Promise<T> {
    nothingElse(rest)
    await this.setSource(null)
    return this.#collect({ ...defined({ frames }), offset }, bound('frames', frames), out)
  }

  /** Plays, and records what comes back: frames − offset + max(pad, 0) frames × channels, interleaved. Fails as `record`. */
  protected async playrec<T extends Samples = SampleArray>(
    source: Source,
    { frames, pad, offset = 0, out, ...options }: PlayRecordOptions<T> = {},
  ): Promise<T> {
    const opened = await resolve(source)
    await this.setSource(opened, options)
    const length = bound('frames', frames) ?? (options.loop ? undefined : this.#length(opened))
    const padded = length === undefined ? undefined : length + (bound('pad', pad) ?? 0)
    return this.#collect({ ...defined({ frames, pad }), offset }, padded, out, options.loop)
  }

  /** The recording, chunk by chunk, while `playback` plays; see `Chunks`. */
  protected chunks({ playback, loop, frames, pad, offset = 0, ...cut }: ChunkOptions = {}): Chunks {
    const { format, frameSize } = this.#direction(true)
    const { blockSize } = this
    const start = async (into: RingBuffer, gaps: RingBuffer): Promise<void> => {
      if (playback !== undefined) await this.setSource(playback, defined({ loop }))
      else await this.setSource(null)
      this.#binding.clearSinks()
      attach(into, (memory, wake) => this.#binding.addSinkRing(memory, new Uint8Array(gaps.memory), wake))
      await this.start({ ...defined({ frames }), pad: pad === undefined ? null : pad, offset })
    }
    const [wait, stop] = [() => this.wait(), () => this.stop()]
    return new Chunks({ format, frameSize, blockSize, offset, start, wait, stop }, cut)
  }

  /** Frames of a source, where that is known beforehand. */
  #length(source: Awaited<ReturnType<typeof resolve>>): number | undefined {
    const { format, frameSize } = this.#direction(false)
    if (isSamples(source)) return bytesOf(format, source).length / frameSize
    return source instanceof SoundFile ? source.info.frames : undefined
  }

  /** One run into memory: into `out`, or a new array for the `clocked` frames but for the first `offset`. */
  async #collect<T extends Samples>(
    run: RunOptions,
    clocked: number | undefined,
    out: T | undefined,
    loop = false,
  ): Promise<T> {
    const { format, frameSize } = this.#direction(true)
    const offset = natural('offset', run.offset, 0) ?? 0
    if (clocked !== undefined && clocked < offset) {
      throw invalid(`offset ${offset} is beyond the end at ${clocked} frames`)
    }
    const room = out ? Math.floor(bytesOf(format, out).length / frameSize) : clocked && clocked - offset
    if (room === undefined) throw invalid('nothing says how much to record: give `frames` or `out`')
    this.#binding.clearSinks()
    call(() => this.#binding.addSinkBuffer(room))
    // Where no source ends the run, it ends when `out` is full.
    const frames = bound('frames', run.frames) ?? (this.#plays && !loop ? null : offset + room)
    await this.start({ ...run, frames })
    const take = (): T => {
      const recorded = this.#binding.takeRecording() ?? new Uint8Array()
      if (!out) return samples(format, recorded) as Samples as T
      bytes(out).set(recorded)
      return out
    }
    try {
      await this.wait()
    } catch (error) {
      throw Object.assign(error as PastreamError, { recording: take() })
    }
    return take()
  }
}

interface Run {
  readonly over: Promise<void>
  readonly end: () => void
}

/** A run, which holds its stream and the process until its end is told. */
function hold(stream: Stream): Run {
  const timer = setInterval(() => stream, FOR_EVER)
  let end = (): void => {}
  const over = new Promise<void>((resolve) => {
    end = () => {
      clearInterval(timer)
      resolve()
    }
  })
  return { over, end }
}

function xrunKinds(bits: number): XrunKind[] {
  return XRUN_KINDS.filter((_, bit) => bits & (1 << bit))
}

/** Plays. */
export class OutputStream extends Stream {
  /** Opens a device. Rejects with `DEVICE_NOT_FOUND`, `HOST_UNAVAILABLE`, `UNSUPPORTED_CONFIG` and the like. */
  static async open(options: StreamOptions = {}): Promise<OutputStream> {
    return new OutputStream(options, true, false)
  }

  /** Opens a device with the rate, channels and format of a file, which the stream then plays. */
  static async fromFile(
    file: string | FileSource | SoundFile,
    options: StreamOptions & SourceOptions = {},
  ): Promise<OutputStream> {
    return fromFile((asked) => new OutputStream(asked, true, false), file, options)
  }

  override play(source: Source, options?: PlayOptions): Promise<void> {
    return super.play(source, options)
  }
}

/** Records. */
export class InputStream extends Stream {
  /** Opens a device. Rejects with `DEVICE_NOT_FOUND`, `HOST_UNAVAILABLE`, `UNSUPPORTED_CONFIG` and the like. */
  static async open(options: StreamOptions = {}): Promise<InputStream> {
    return new InputStream(options, false, true)
  }

  override record<T extends Samples = SampleArray>(options: RecordOptions<T>): Promise<T> {
    return super.record(options)
  }

  override chunks(options?: Omit<ChunkOptions, 'playback' | 'loop' | 'pad'>): Chunks {
    return super.chunks(options)
  }
}

/** Plays and records at once, in one callback. */
export class DuplexStream extends Stream {
  /** Opens a device. Rejects with `DEVICE_NOT_FOUND`, `HOST_UNAVAILABLE`, `UNSUPPORTED_CONFIG` and the like. */
  static async open(options: StreamOptions = {}): Promise<DuplexStream> {
    return new DuplexStream(options, true, true)
  }

  /** Opens a device with the rate, channels and format of a file, which the stream then plays. */
  static async fromFile(
    file: string | FileSource | SoundFile,
    options: StreamOptions & SourceOptions = {},
  ): Promise<DuplexStream> {
    return fromFile((asked) => new DuplexStream(asked, true, true), file, options)
  }

  override play(source: Source, options?: PlayOptions): Promise<void> {
    return super.play(source, options)
  }

  override record<T extends Samples = SampleArray>(options: RecordOptions<T>): Promise<T> {
    return super.record(options)
  }

  override playrec<T extends Samples = SampleArray>(source: Source, options?: PlayRecordOptions<T>): Promise<T> {
    return super.playrec(source, options)
  }

  override chunks(options?: ChunkOptions): Chunks {
    return super.chunks(options)
  }
}

/** A stream with the rate, channels and format of a file where nothing else is said, that plays the file. */
async function fromFile<S extends Stream>(
  open: (options: StreamOptions) => S,
  file: string | FileSource | SoundFile,
  { loop, bufferSize, ...options }: StreamOptions & SourceOptions,
): Promise<S> {
  const source = file instanceof SoundFile ? file : await SoundFile.open(file)
  const { sampleRate, channels, format } = source.info
  let stream: S | undefined
  try {
    stream = open({ sampleRate, channels, format, ...defined(options) })
    await stream.setSource(source, defined({ loop, bufferSize }))
    return stream
  } catch (error) {
    await stream?.close()
    if (source !== file) await source.close()
    throw error
  }
}
