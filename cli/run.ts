import { statSync } from 'node:fs'
import { constants } from 'node:os'
import {
  DuplexStream,
  InputStream,
  OutputStream,
  SoundFile,
  type FileSink,
  type FileSource,
  type Stream,
  type StreamOptions,
} from '../ts/index.ts'
import type { Options } from './flags.ts'
import { UsageError, type Command } from './parse.ts'
import { report, watch } from './status.ts'
import { isNegative, toFrames, type Sides, type Time } from './values.ts'

const XRUN_STATUS = 3
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

type Ways = { readonly input: string | undefined; readonly output: string | undefined }

function isRaw(file: string, type: FileSource['type']): boolean {
  return type === undefined ? /\.raw$/i.test(file) : type === 'raw'
}

function source(file: string, { type, encoding, endian, channels, rate }: Options): FileSource {
  const path = file === '-' ? { fd: 0 } : file
  const described = { path, ...defined({ type: type?.playback }) }
  if (!isRaw(file, type?.playback)) return described
  // Nothing else says what a headerless file holds; all others speak for themselves.
  return {
    ...described,
    ...defined({
      encoding: encoding?.playback,
      endian: endian?.playback,
      channels: channels?.playback,
      sampleRate: rate,
    }),
  }
}

function sink(file: string, { type, encoding, endian }: Options): FileSink {
  const pipe = file === '-'
  return {
    path: pipe ? { fd: 1 } : file,
    ...defined({
      type: type?.recording ?? (pipe ? 'au' : undefined),
      encoding: encoding?.recording,
      endian: endian?.recording,
    }),
  }
}

/** Leaves out what is undefined, so that the library's defaults hold. */
function defined<T extends object>(record: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}

/** The part of a pair that the stream's sides have use for. */
function sides<T>({ input, output }: Ways, pair: Partial<Sides<T>> | undefined, fallback?: T) {
  const playback = pair?.playback ?? fallback
  const recording = pair?.recording ?? fallback
  if (input === undefined) return recording
  if (output === undefined) return playback
  return playback === recording ? playback : ([playback, recording] as [T | undefined, T | undefined])
}

function device(ways: Ways, given: Options['device']): string {
  const [playback = 'default', recording = playback] = given ?? []
  if (ways.input === undefined) return recording
  return ways.output === undefined || playback === recording ? playback : `${playback},${recording}`
}

function mappings({ output }: Ways, map: Options['map'] = []): Pick<StreamOptions, 'txMapping' | 'rxMapping'> {
  const [first, second] = map.map((mapping) => mapping && [...mapping])
  if (map.length < 2) return defined(output === undefined ? { txMapping: first } : { rxMapping: first })
  return defined({ txMapping: first, rxMapping: second })
}

function open(ways: Ways, options: Options, file: SoundFile | undefined): Promise<Stream> {
  const info = file?.info
  const asked: StreamOptions = {
    device: device(ways, options.device),
    ...defined({
      sampleRate: options.rate ?? info?.sampleRate,
      channels: sides(ways, options.channels, info?.channels),
      format: sides(ways, options.format, info?.format),
      blockSize: options.blocksize || undefined,
    }),
    ...mappings(ways, options.map),
  }
  if (ways.input === undefined) return InputStream.open(asked)
  return ways.output === undefined ? OutputStream.open(asked) : DuplexStream.open(asked)
}

/** Times as frames at the stream's rate. */
function span({ duration, pad, offset }: Options, rate: number): { frames: number; pad: number; offset: number } {
  const frames = (time: Time | undefined, unset: number): number => {
    if (!time) return unset
    return isNegative(time) ? -1 : toFrames(time, rate)
  }
  const all = { frames: frames(duration, -1), pad: frames(pad, 0), offset: frames(offset, 0) }
  if (all.frames >= 0 && all.offset > all.frames) {
    throw new UsageError(`-o '${all.offset}s': the offset is at most the duration, -d ${all.frames}s`)
  }
  return all
}

/** Recording over the file that is being played would destroy it. */
function refuseSameFile({ input, output }: Ways): void {
  if (input === undefined || output === undefined || input === '-' || output === '-') return
  const [from, to] = [input, output].map((file) => statSync(file, { throwIfNoEntry: false }))
  if (from?.isFile() && to && from.dev === to.dev && from.ino === to.ino) {
    throw new UsageError(`'${output}': the output must be another file than the input`)
  }
}

function headline(stream: Stream, file: SoundFile | undefined, { input, output }: Ways): string {
  const info = file?.info
  const list = (value: unknown): string => (Array.isArray(value) ? value.join('/') : String(value))
  const name = (path: string | undefined, pipe: string): string => (path === '-' ? pipe : (path ?? 'null'))
  const played = info
    ? `: ${info.container}, ${info.encoding}, ${info.sampleRate} Hz, ${info.channels} ch` +
      (info.frames === undefined ? '' : `, ${(info.frames / info.sampleRate).toFixed(2)} s`)
    : ''
  return [
    `<- ${name(input, 'stdin')}${played}`,
    `-- ${stream.device}: ${list(stream.format)}, ${stream.sampleRate} Hz, ${list(stream.channels)} ch`,
    `-> ${name(output, 'stdout')}`,
    '',
  ].join('\n')
}

/** Calls `stop` at the first signal; the second one ends the process at once. */
function onSignal(stop: () => void): () => void {
  let signalled = false
  const handle = (signal: (typeof SIGNALS)[number]): void => {
    if (signalled) process.exit(128 + constants.signals[signal])
    signalled = true
    stop()
  }
  for (const signal of SIGNALS) process.on(signal, handle)
  return () => {
    for (const signal of SIGNALS) process.off(signal, handle)
  }
}

async function transfer(stream: Stream, file: SoundFile | undefined, ways: Ways, options: Options): Promise<void> {
  const timing = span(options, stream.sampleRate)
  const buffer = defined({ bufferSize: options.buffersize })
  if (file) await stream.setSource(file, { ...buffer, loop: options.loop ?? false })
  if (ways.output !== undefined) await stream.setSink(sink(ways.output, options), buffer)
  const tell = (text: string): void => void (options.quiet || process.stderr.write(text))
  tell(headline(stream, file, ways))

  // Settles at the first reason to stop, so that a source that never delivers can't hold up the start.
  const { promise: stopped, resolve, reject } = deferred()
  let stopping = false
  const stop = (): void => {
    if (stopping) return
    stopping = true
    stream.stop().then(resolve, reject)
  }
  stream.on('error', () => {}) // wait() throws it
  if (options.fatalXruns) stream.once('xrun', stop)
  const unwatch = options.quiet ? () => {} : watch(stream, process.stderr)
  const ignore = onSignal(stop)
  try {
    const run = stream.start(timing).then(() => stream.wait())
    await Promise.race([run, stopped])
    if (stopping) {
      run.catch(() => {}) // stop() throws the stream's error
      await stopped
    }
  } finally {
    unwatch()
    tell(report(stream))
    // The file is finished when the stream is closed: a signal must not cut that short.
    await stream.close().finally(ignore)
  }
}

function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: unknown) => void } {
  let resolve!: () => void
  let reject!: (error: unknown) => void
  const promise = new Promise<void>((done, failed) => {
    resolve = done
    reject = failed
  })
  return { promise, resolve, reject }
}

/** Plays, records or both; answers the exit status. */
export async function run({ options, input, output }: Command): Promise<number> {
  if (input === undefined && output === undefined) {
    throw new UsageError('no file: give an input to play, or null and an output to record to')
  }
  const ways = { input, output }
  refuseSameFile(ways)
  // First of all, so that a bad input leaves no output behind.
  const file = input === undefined ? undefined : await SoundFile.open(source(input, options))
  try {
    const stream = await open(ways, options, file)
    try {
      await transfer(stream, file, ways, options)
      return options.fatalXruns && stream.xruns > 0 ? XRUN_STATUS : 0
    } finally {
      await stream.close()
    }
  } finally {
    await file?.close()
  }
}
