import { fstatSync, statSync, type Stats } from 'node:fs'
import { constants } from 'node:os'
import {
  devices,
  DuplexStream,
  InputStream,
  OutputStream,
  PastreamError,
  SoundFile,
  type FileInfo,
  type FileSink,
  type FileSource,
  type Stream,
  type StreamOptions,
} from '../ts/index.ts'
import { pairOfDevices } from './device.ts'
import { isBrokenPipe, UsageError, XrunError } from './error.ts'
import type { Options } from './flags.ts'
import type { Command } from './parse.ts'
import { Display } from './status.ts'
import { isNegative, toFrames, type Sides, type Time } from './values.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** What the library keeps room for where it isn't told. */
const RECORDING_SECONDS = 10

type Ways = { readonly input: string | undefined; readonly output: string | undefined }

function source(file: string, { type, encoding, endian, channels, rate }: Options): FileSource {
  return {
    path: file === '-' ? { fd: 0 } : file,
    ...defined({
      type: type?.playback,
      // What a headerless file holds; all others speak for themselves.
      encoding: encoding?.playback,
      endian: endian?.playback,
      channels: channels?.playback,
      sampleRate: rate,
    }),
  }
}

function sink(file: string, { type, encoding, endian }: Options): FileSink {
  return {
    path: file === '-' ? { fd: 1 } : file,
    ...defined({ type: type?.recording, encoding: encoding?.recording, endian: endian?.recording }),
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

function device(ways: Ways, given: Options['device'] = []): string {
  const [playback = 'default', recording = playback] = pairOfDevices(
    given,
    devices().map(({ id }) => id),
  )
  if (ways.input === undefined) return recording
  if (ways.output === undefined || playback === recording) return playback
  throw new Error(
    `cannot play to ${playback} and record from ${recording} at once: two devices are not joined; give -D one for both`,
  )
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

/** Times as frames at the stream's rate. `length`: that of the playback, where it is known. */
function span({ duration, pad, offset, loop }: Options, rate: number, length: number | undefined) {
  const frames = (time: Time | undefined, unset: number): number => {
    if (!time) return unset
    return isNegative(time) ? -1 : toFrames(time, rate)
  }
  const all = { frames: frames(duration, -1), pad: frames(pad, 0), offset: frames(offset, 0) }
  const endless = all.pad < 0 || loop || length === undefined
  const end = all.frames >= 0 ? all.frames : endless ? Infinity : length + all.pad
  if (all.offset > end) {
    throw new UsageError(`-o is ${all.offset} frames, but the recording ends after ${end}: give a smaller -o`)
  }
  return all
}

/** Recording over the file that is being played would destroy it. */
function refuseSameFile({ input, output }: Ways): void {
  if (input === undefined || output === undefined) return
  const stat = (file: string, fd: number): Stats | undefined => {
    try {
      return file === '-' ? fstatSync(fd) : statSync(file)
    } catch {
      return undefined // whoever opens it says what is wrong
    }
  }
  const [from, to] = [stat(input, 0), stat(output, 1)]
  if (from?.isFile() && to && from.dev === to.dev && from.ino === to.ino) {
    throw new UsageError(`'${output}': the output must be another file than the input`)
  }
}

/** A file is played as it is. */
function refuseOther(input: string, info: FileInfo, { rate = info.sampleRate, channels }: Options): void {
  const { playback = info.channels } = channels ?? {}
  if (rate !== info.sampleRate) throw new Error(`${input} has ${info.sampleRate} Hz, -r says ${rate}: leave out -r`)
  if (playback === info.channels) return
  const advice = 'leave out -c, or give it for the recording alone, as in -c ^,2'
  throw new Error(`${input} has ${info.channels} channels, -c says ${playback}: ${advice}`)
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
function onSignal(stop: (signal: string) => void): () => void {
  let signalled = false
  const handle = (signal: (typeof SIGNALS)[number]): void => {
    if (signalled) process.exit(128 + constants.signals[signal])
    signalled = true
    stop(signal)
  }
  for (const signal of SIGNALS) process.on(signal, handle)
  return () => {
    for (const signal of SIGNALS) process.off(signal, handle)
  }
}

/** The library's errors in the words of the command line. */
function translated(error: unknown, stream: Stream): unknown {
  if (!(error instanceof PastreamError && error.code === 'ERR_PASTREAM_BUFFER_EMPTY')) return error
  const message = `the input ended after ${stream.played} frames, before -d: give a smaller -d, or -p to fill up with silence`
  return new Error(message, { cause: error })
}

async function transfer(stream: Stream, file: SoundFile | undefined, ways: Ways, options: Options): Promise<void> {
  const timing = span(options, stream.sampleRate, file?.info.frames)
  const bufferSize = options.buffersize
  if (file) await stream.setSource(file, { ...defined({ bufferSize }), loop: options.loop ?? false })
  if (ways.output !== undefined) {
    // A small one lets a live input through sooner; of a recording it would only lose frames.
    const larger = bufferSize && bufferSize > RECORDING_SECONDS * stream.sampleRate ? bufferSize : undefined
    await stream.setSink(sink(ways.output, options), defined({ bufferSize: larger }))
  }

  let stopped: Promise<void> | undefined
  const stop = (): void => {
    // One of the two that wait gets the stream's error, and throws it below.
    stopped ??= stream.stop()
  }
  stream.on('error', () => {}) // wait() throws it
  if (options.fatalXruns) stream.once('xrun', stop)
  const display = options.quiet ? undefined : new Display(stream, process.stderr)
  // From here to the start nothing is waited for, so that a signal finds the run under way.
  const ignore = onSignal((signal) => {
    display?.note(`${signal}: finishing; once more ends at once`)
    stop()
  })
  process.stderr.write(display ? headline(stream, file, ways) : '')
  try {
    await stream.start(timing)
    await stream.wait()
    await stopped
  } catch (error) {
    if (!isBrokenPipe(error)) throw translated(error, stream)
    display?.note('nobody reads the output any more: finished')
  } finally {
    display?.end()
    // The file is finished when the stream is closed: a signal must not cut that short.
    await stream.close().finally(ignore)
  }
}

/** Plays, records or both. Throws what ended it before its time, but for a signal and a reader that has enough. */
export async function run({ options, input, output }: Command): Promise<void> {
  if (input === undefined && output === undefined) {
    throw new UsageError('no file: give an input to play, or null and an output to record to')
  }
  const ways = { input, output }
  refuseSameFile(ways)
  // First of all, so that a bad input leaves no output behind.
  const file = input === undefined ? undefined : await SoundFile.open(source(input, options))
  try {
    if (file) refuseOther(input ?? '', file.info, options)
    const stream = await open(ways, options, file)
    try {
      await transfer(stream, file, ways, options)
      if (options.fatalXruns && stream.xruns > 0) throw new XrunError(stream.xruns)
    } finally {
      await stream.close()
    }
  } finally {
    await file?.close()
  }
}
