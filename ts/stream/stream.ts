import { Duplex, Readable, Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { ReadableStream, WritableStream } from 'node:stream/web'
import { Chunks, type Cut } from '../chunks.ts'
import { invalid, PastreamError } from '../error.ts'
import { SoundFile, type FileSink } from '../file.ts'
import { bytes, bytesOf, isSamples, samples, sampleSize, type ArrayOf, type Format, type Samples } from '../format.ts'
import { call, failure, native, settle } from '../native.ts'
import {
  bound,
  count,
  defined,
  natural,
  nothingElse,
  seconds,
  type Mapping,
  type RunOptions,
  type SinkOptions,
  type SourceOptions,
  type StreamOptions,
} from '../options.ts'
import { Handoff, writer } from '../handoff.ts'
import type { Task } from '../hook.ts'
import { Recording } from '../recording.ts'
import { FOR_EVER, interrupt, type Interruptible } from '../interrupt.ts'
import { setSinks, type Sink, type SinkHook } from '../sink.ts'
import { resolve, setSource, type Source, type SourceHook } from '../source.ts'
import {
  eventsOf,
  xrunKinds,
  type GapEvent,
  type Outcome,
  type StreamEvent,
  type WrittenFile,
  type XrunEvent,
} from './events.ts'
import { Run } from './run.ts'
import { StreamView } from './view.ts'
import type { BindingStream, Settled, StreamEventObject } from '../binding/binding.js'

export type PlayOptions = Pick<RunOptions, 'frames' | 'pad' | 'signal'> & SourceOptions
export interface RecordOptions {
  /** What the stream clocks: the recording has frames − offset. Required but with `out`. */
  frames?: number | null
  /** Frames to leave out at the start. @default 0 */
  offset?: number
  /** Aborts the run, and rejects with its reason. */
  signal?: AbortSignal
}
/** Memory to record into, until it is full. */
export interface Out<T extends Samples> {
  out: T
}
export type PlayRecordOptions = PlayOptions & RecordOptions & Pick<RunOptions, 'align'>
/** Counts as in the seed: `pad` is -1 where it is not given, so that chunks go on when the playback is over. */
export type ChunkOptions = Cut &
  Omit<RunOptions, 'prebuffer'> &
  Omit<SourceOptions, 'bufferSize'> & { playback?: Source }
/** A recording as a stream of bytes. */
export interface ReadableOptions extends Pick<RunOptions, 'frames' | 'offset' | 'pad' | 'align'>, SinkOptions {
  /** Bytes that may wait in the stream itself. @default 64 KiB */
  highWaterMark?: number
}
export type DuplexOptions = Omit<ReadableOptions, 'highWaterMark'>
export type WritableOptions = Pick<RunOptions, 'frames' | 'pad'> & Pick<SourceOptions, 'bufferSize'>

/** Frames that a stream of bytes gets at a time. */
const PART = 4096

// A process that ends runs no clean-up of its addons: files are finished here, threads joined.
process.once('exit', () => native.closeAll())

/** A side that plays or records, with its frame's bytes. */
interface Direction {
  readonly format: Format
  readonly channels: number
  readonly frameSize: number
}

/** The task of a hook, also of one that can't be begun. */
function begun(begin: () => Task): Task {
  try {
    return begin()
  } catch (error) {
    return { name: 'the source or sink', done: Promise.reject(error) }
  }
}

/** What every stream is, with `F` the format it records in. Opened by `InputStream`, `OutputStream` and `DuplexStream`. */
export abstract class Stream<F extends Format = Format> extends StreamView implements AsyncDisposable {
  /** Which channel of a source goes where; undefined: each to itself. */
  readonly txMapping: Mapping | undefined
  /** Which channel of the device goes where; undefined: each to itself. */
  readonly rxMapping: Mapping | undefined
  readonly #fatalXruns: boolean
  #closed = false
  /** The last seek. */
  #sought: Promise<unknown> = Promise.resolve()
  #plays = false
  #source: SourceHook | undefined
  #sinks: SinkHook[] = []
  /** Those whose end was not told yet; all but the last one are over. */
  readonly #runs: Run[] = []
  /** The first error of the last run, until somebody asks. */
  #error: PastreamError | undefined
  /** What `events()` wait for besides. */
  readonly #closing = new Set<() => void>()

  /** @internal */
  protected constructor(binding: BindingStream, options: StreamOptions) {
    super(binding)
    this.#fatalXruns = options.xrun === 'abort'
    this.txMapping = options.txMapping
    this.rxMapping = options.rxMapping
    const weak = new WeakRef(this)
    this.binding.listen((event) => {
      const stream = weak.deref()
      if (stream) stream.#tell(event)
    })
  }

  #tell({ kind, frame, value, word, cause, failure: failed }: StreamEventObject): void {
    if (kind === 'xrun') this.#xrun({ frame, kinds: xrunKinds(value) })
    else if (kind === 'gap') {
      const [side, why] = [word as GapEvent['side'], cause as GapEvent['cause']]
      this.emit('gap', { side, frame, length: value, cause: why })
    } else if (kind === 'file') this.emit('file', { path: word, frame, frames: value, complete: cause === 'complete' })
    else if (kind === 'deviceLost') this.emit('deviceLost')
    else {
      const [run, outcome] = [this.#runs[0], word as Outcome]
      const end = (): void => this.#end(run, outcome, failed && failure(failed))
      if (outcome !== 'finished' && outcome !== 'stopped') run?.cut()
      if (run?.hooked) void run.join().then(end)
      else end()
    }
  }

  #xrun(event: XrunEvent): void {
    if (this.#fatalXruns) {
      const advice = this.device.startsWith('jack')
        ? 'a longer period of the JACK server'
        : 'a larger block size or latency'
      const message = `the device reported ${event.kinds.join(', ')} at frame ${event.frame}: try ${advice}`
      this.#runs.at(-1)?.fail(new PastreamError('ERR_PASTREAM_XRUN', message))
    }
    this.emit('xrun', event)
  }

  #end(run: Run | undefined, outcome: Outcome, failed: PastreamError | undefined): void {
    this.#runs.shift()
    // What aborted the run was said here; what else ended it came before.
    this.#error = outcome === 'aborted' ? (run?.error ?? failed) : (failed ?? run?.error)
    run?.end()
    if (this.#error && this.listenerCount('error') > 0) this.emit('error', this.#error)
    this.emit('finished', outcome)
  }

  /** Whether a run is under way. */
  override get active(): boolean {
    return super.active || this.#runs.some(({ hooked }) => hooked)
  }
  get closed(): boolean {
    return this.#closed
  }

  #direction(recording: boolean): Direction {
    const { opened } = this.binding
    const side = recording ? opened.recording : opened.playback
    if (!side) throw invalid(`the stream does not ${recording ? 'record' : 'play'}: open one that does`)
    const format = side.format as Format
    return { format, channels: side.channels, frameSize: side.channels * sampleSize(format) }
  }

  /**
   * What the next runs play; `null` is silence. Samples are copied. Rejects where they are not the stream's. A file is fitted
   * to the stream, as `conversion` tells then. Of another rate it is resampled, so that frame n of it is at n × the
   * stream's rate / its own, and has ceil(frames × the stream's rate / its own) frames; looped, it is resampled over the seam. One
   * channel is played on the first two, two on one as their mean; else each goes to its own, as far as there are
   * both. With `txMapping` each goes to its own in any case, ahead of the map.
   */
  async setSource(source: Source | null, options: SourceOptions = {}): Promise<void> {
    if (source === null && !this.binding.opened.playback) return
    this.#source = await setSource(this.binding, this.#direction(false).format, source, options)
    this.#plays = source !== null
  }

  /**
   * Where the next runs record to: each of `sink` with its own ring and losses. A ring takes part in every run, a file is
   * complete after one: a `start` or `play` then rejects with `STREAM_STATE` until sinks are set anew. `null`: nowhere.
   */
  async setSink(sink: Sink | readonly Sink[] | null, options: SinkOptions = {}): Promise<void> {
    const sinks = sink === null ? [] : Array.isArray(sink) ? (sink as readonly Sink[]) : [sink as Sink]
    this.#sinks = setSinks(this.binding, this.sampleRate, sinks, options)
  }

  /**
   * Records the next run into a file. Its rate, channels and encoding are the stream's where nothing else is asked; at another
   * rate it is resampled, gaps and all: its frames are ceil(recorded frames × its rate / the stream's).
   */
  async toFile(path: string, options: Omit<FileSink, 'path'> & SinkOptions = {}): Promise<void> {
    const { bufferSize, ...file } = options
    await this.setSink({ path, ...file }, defined({ bufferSize }))
  }

  /** Starts a run, once the source has given what `prebuffer` asks for. Rejects where one is under way. */
  async start({
    frames,
    pad,
    offset,
    prebuffer = true,
    align = false,
    signal,
    ...rest
  }: RunOptions = {}): Promise<void> {
    nothingElse(rest)
    const options = {
      offset: count('offset', offset) ?? 0,
      align: Boolean(align),
      ...defined({
        frames: bound('frames', frames),
        pad: pad === undefined && this.#plays ? 0 : bound('pad', pad),
        prebuffer: prebuffer === true ? undefined : count('prebuffer', Number(prebuffer)),
      }),
    }
    await this.#bounded(signal, async () => {
      const begins = this.#attach()
      // Throws at once where there can be no run; a call that follows finds it under way.
      const started = call(() => this.binding.start(options))
      const run = new Run(this, () => this.#abort())
      this.#runs.push(run)
      try {
        for (const begin of begins) run.add(begun(() => begin(this)))
        await settle(() => started)
      } catch (error) {
        // Its rings are closed.
        run.cut()
        await run.join()
        this.#runs.splice(this.#runs.indexOf(run), 1)
        run.end()
        throw error
      }
    })
  }

  /** Hands the rings of the next run to the device, and answers what begins at each of them. */
  #attach() {
    if (this.#runs.some(({ hooked }) => hooked)) {
      throw new PastreamError('ERR_PASTREAM_STREAM_STATE', 'the stream is running: stop it, or wait for its end')
    }
    try {
      const begins = this.#sinks.map((sink) => {
        const { frameSize, format } = this.#direction(true)
        return sink(this.binding, frameSize, format)
      })
      if (!this.#source) return begins
      const { frameSize, format } = this.#direction(false)
      return [...begins, this.#source(this.binding, frameSize, format)]
    } catch (error) {
      this.binding.clearSinks()
      throw error
    }
  }

  /** Ends the run; its end tells the rest. */
  #abort(): void {
    for (const run of this.#runs) run.cut()
    void this.binding.abort().catch(() => {})
  }

  /** Does `work`, which begins a run that `signal` aborts. */
  async #bounded<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    if (!signal) return work()
    signal.throwIfAborted()
    const abort = (): void => this.#abort()
    signal.addEventListener('abort', abort)
    try {
      const result = await work()
      signal.throwIfAborted()
      return result
    } catch (error) {
      signal.throwIfAborted()
      throw error
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  /** Asks for the end of the run and waits for it; what happened in the run is told before. */
  async #finish(ask: () => Promise<Settled>, { signal, ...rest }: Interruptible): Promise<void> {
    nothingElse(rest)
    signal?.throwIfAborted()
    const over = this.#runs.at(-1)?.over
    // The error of a run comes with its end.
    const asked = settle(ask).catch(() => {})
    await interrupt(Promise.all([asked, over]), signal)
    this.#throwFirst()
  }

  /** Throws the first error of the last run, once. */
  #throwFirst(): void {
    const error = this.#error
    this.#error = undefined
    if (error) throw error
  }

  /** Ends the run at the next block; resolves when everything is written. Rejects with the run's first error. */
  async stop(options: Interruptible = {}): Promise<void> {
    await this.#finish(() => this.binding.stop(), options)
  }

  /** Ends the run at once; resolves when everything is written. Rejects with the run's first error. */
  async abort(options: Interruptible = {}): Promise<void> {
    options.signal?.throwIfAborted()
    for (const run of this.#runs) run.cut()
    await this.#finish(() => this.binding.abort(), options)
  }

  /** Aborts what runs and frees the device. Safe to call more than once. Rejects with the run's first error. */
  async close(options: Interruptible = {}): Promise<void> {
    options.signal?.throwIfAborted()
    this.#closed = true
    for (const run of this.#runs) run.cut()
    await this.#finish(() => this.binding.close(), options).finally(() => {
      for (const wake of this.#closing) wake()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /**
   * Holds the run from the next block on: silence is played, what comes in is left, and neither is counted. What the device
   * holds is still heard. A run that starts while the stream is paused waits.
   */
  pause(): void {
    this.binding.paused = true
  }

  /** Goes on after `pause`. */
  resume(): void {
    this.binding.paused = false
  }

  /** The files that the last run has finished so far, those of each sink in their order. */
  get files(): readonly WrittenFile[] {
    return this.binding.files
  }

  /**
   * Begins the next file of each sink with `split`, with the frame that is recorded now. Throws `STREAM_STATE` where no run is under way,
   * `INVALID_ARGUMENT` where no sink has `split`.
   */
  split(): void {
    call(() => this.binding.split())
  }

  /**
   * Begins the files of sinks with `preroll`, with what they kept. The first call in a run counts. Throws `STREAM_STATE` where no run is under
   * way, `INVALID_ARGUMENT` where no sink has `preroll`.
   */
  trigger(): void {
    call(() => this.binding.trigger())
  }

  /**
   * Goes on playing the file at `frame` of the stream's rate, from 0; beyond the end is the end. What the device holds, and a block at most that it has not
   * yet, is still heard. No frame that is skipped is counted, and none is a gap, nor is what is silent until there and between the first 8,192 frames from there. Where the file ends before
   * `frames` after that, the run is finished, and no `BUFFER_EMPTY`. Resolves when the file is there; several calls are served in their
   * order. Rejects with `STREAM_STATE` where no file is played or all of it was, and with `UNSUPPORTED_FILE` for a pipe.
   */
  async seek(frame: number): Promise<void> {
    const wanted = count('frame', frame)
    if (wanted === undefined) throw invalid('seek wants a frame: give a whole number from 0 on')
    const sought = this.#sought.then(() => settle(() => this.binding.seek(wanted)))
    this.#sought = sought.catch(() => {})
    await sought
  }

  /**
   * Waits until no run is under way: true; or for `timeout` seconds: false. Rejects with the run's first error, which
   * is thrown once. `signal` ends the wait, and not the run.
   */
  async wait({ timeout, signal, ...rest }: { timeout?: number } & Interruptible = {}): Promise<boolean> {
    nothingElse(rest)
    const limit = seconds('timeout', timeout)
    signal?.throwIfAborted()
    const over = this.#runs.at(-1)?.over.then(() => true) ?? Promise.resolve(true)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<boolean>((resolve) => {
      if (limit !== undefined) timer = setTimeout(resolve, Math.min(1000 * limit, FOR_EVER), false)
    })
    const ended = await interrupt(Promise.race([over, late]), signal).finally(() => clearTimeout(timer))
    if (ended) this.#throwFirst()
    return ended
  }

  /**
   * What the stream tells from now on, until it is closed or the loop is left. While nobody takes them at most 1024 wait:
   * more are counted, in a `dropped` of their own.
   */
  events({ signal }: Interruptible = {}): AsyncIterableIterator<StreamEvent> {
    const isOver = (): boolean => this.#closed && this.#runs.length === 0
    return eventsOf(this, this.#closing, isOver, signal)
  }

  /** Plays; resolves when the last frame has left the device. */
  protected async play(source: Source, { frames, pad, signal, ...options }: PlayOptions = {}): Promise<void> {
    await this.#bounded(signal, async () => {
      await this.setSource(source, options)
      await this.start(defined({ frames, pad, signal }))
      await this.wait()
    })
  }

  /**
   * Records frames − offset frames, or as many as `out` holds: frames × channels, interleaved. Where the run fails, what
   * was recorded until then is in `out`, and in the error's `recording`.
   */
  protected async record<T extends Samples>(options: RecordOptions & Partial<Out<T>>): Promise<T | ArrayOf[F]> {
    const { frames, offset = 0, signal, out, ...rest } = options
    nothingElse(rest)
    return this.#bounded(signal, async () => {
      await this.setSource(null)
      return this.#collect({ ...defined({ frames, signal }), offset }, bound('frames', frames), out)
    })
  }

  /** Plays, and records what comes back: frames − offset + max(pad, 0) frames × channels, interleaved. Fails as `record`. */
  protected async playrec<T extends Samples>(
    source: Source,
    { frames, pad, offset = 0, align = false, signal, out, ...options }: PlayRecordOptions & Partial<Out<T>> = {},
  ): Promise<T | ArrayOf[F]> {
    return this.#bounded(signal, async () => {
      const opened = await resolve(source)
      await this.setSource(opened, options)
      const length = bound('frames', frames) ?? (options.loop ? undefined : this.#length(opened))
      const padded = length === undefined ? undefined : length + (bound('pad', pad) ?? 0)
      return this.#collect({ ...defined({ frames, pad, signal }), offset, align }, padded, out, options.loop)
    })
  }

  /** The recording, chunk by chunk, while `playback` plays; see `Chunks`. */
  protected chunks({
    playback,
    loop,
    resample,
    quality,
    gain,
    frames,
    pad,
    offset = 0,
    align = false,
    signal,
    ...cut
  }: ChunkOptions = {}): Chunks<ArrayOf[F]> {
    const { format, channels } = this.#direction(true)
    const start = async (recording: Recording<Format>): Promise<void> => {
      if (playback !== undefined) await this.setSource(playback, defined({ loop, resample, quality, gain }))
      else await this.setSource(null)
      await this.#record(recording, {
        ...defined({ frames, signal }),
        pad: pad === undefined ? null : pad,
        offset,
        align,
      })
    }
    const [wait, stop, abort] = [() => this.wait(), () => this.stop(), () => this.#abort()]
    const { blockSize, sampleRate } = this
    return new Chunks({ format, channels, blockSize, sampleRate, offset, start, wait, stop, abort, signal }, cut)
  }

  async #record(recording: Recording<Format>, run: RunOptions): Promise<void> {
    this.binding.clearSinks()
    this.binding.addSinkRing(recording.frames.binding, recording.gaps.binding)
    await this.start(run)
  }

  async *#bytes({ bufferSize, ...run }: RunOptions & SinkOptions): AsyncGenerator<Buffer, void, undefined> {
    const { format, frameSize } = this.#direction(true)
    const size = natural('bufferSize', bufferSize) ?? this.binding.opened.bufferSize
    const recording = new Recording<Format>(frameSize, size, format)
    await this.#record(recording, run)
    try {
      yield* recording.bytes(PART)
      await this.wait()
    } finally {
      await this.stop()
    }
  }

  /**
   * What a run records, as bytes of the stream's format, with silence where frames were lost. The run begins when it is
   * first read and ends when it is destroyed. What the stream plays meanwhile is its source.
   */
  protected readable({ highWaterMark = 65_536, ...run }: ReadableOptions = {}): Readable {
    return Readable.from(this.#bytes(run), { objectMode: false, highWaterMark })
  }

  /** `readable` as a stream of the web's. */
  protected webReadable(options?: ReadableOptions): ReadableStream<Uint8Array> {
    return Readable.toWeb(this.readable(options)) as ReadableStream<Uint8Array>
  }

  /** Plays what is written to it, bytes or samples of the stream's format; `finish` comes when the last frame was played. */
  protected writable(options: WritableOptions = {}): Writable {
    return writer(
      (parts) => this.play(parts, options),
      () => this.#abort(),
    )
  }

  /** `writable` as a stream of the web's. */
  protected webWritable(options?: WritableOptions): WritableStream<Samples> {
    return Writable.toWeb(this.writable(options)) as WritableStream<Samples>
  }

  /** Plays what is written to it, and gives what is recorded meanwhile. The run begins with the first read. */
  protected duplex({ bufferSize, ...run }: DuplexOptions = {}): Duplex {
    const parts = new Handoff<Samples>()
    const recorded = async function* (this: Stream<F>) {
      await this.setSource(parts, defined({ bufferSize }))
      yield* this.#bytes({ ...defined({ bufferSize }), ...run })
    }
    const readable = Readable.from(recorded.call(this), { objectMode: false })
    const writable = writer(
      () => finished(readable),
      () => this.#abort(),
      parts,
    )
    return Duplex.from({ readable, writable })
  }

  /** `duplex` as a pair of the web's streams. */
  protected webDuplex(options?: DuplexOptions): {
    readable: ReadableStream<Uint8Array>
    writable: WritableStream<Samples>
  } {
    return Duplex.toWeb(this.duplex(options)) as ReturnType<Stream['webDuplex']>
  }

  /** Frames of a source, where that is known beforehand. */
  #length(source: Awaited<ReturnType<typeof resolve>>): number | undefined {
    const { format, frameSize } = this.#direction(false)
    if (isSamples(source)) return bytesOf(format, source).length / frameSize
    if (!(source instanceof SoundFile)) return undefined
    const { frames, sampleRate } = source.info
    return frames && Math.ceil((frames * this.sampleRate) / sampleRate)
  }

  /** One run into memory: into `out`, or a new array for the `clocked` frames but for the first `offset`. */
  async #collect<T extends Samples>(
    run: RunOptions,
    clocked: number | undefined,
    out: T | undefined,
    loop = false,
  ): Promise<T | ArrayOf[F]> {
    const { format, frameSize } = this.#direction(true)
    const offset = count('offset', run.offset) ?? 0
    if (clocked !== undefined && clocked < offset) {
      throw invalid(`offset ${offset} is beyond the end at ${clocked} frames`)
    }
    const room = out ? Math.floor(bytesOf(format, out).length / frameSize) : clocked && clocked - offset
    if (room === undefined) throw invalid('nothing says how much to record: give `frames` or `out`')
    this.binding.clearSinks()
    call(() => this.binding.addSinkBuffer(room))
    // Where no source ends the run, it ends when `out` is full.
    const frames = bound('frames', run.frames) ?? (this.#plays && !loop ? null : offset + room)
    await this.start({ ...run, frames })
    const take = (): T | ArrayOf[F] => {
      const recorded = this.binding.takeRecording() ?? new Uint8Array()
      if (!out) return samples(format, recorded) as ArrayOf[F]
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
