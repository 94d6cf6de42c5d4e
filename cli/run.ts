import { existsSync } from 'node:fs'
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
  type Outcome,
  type Stream,
  type StreamOptions,
} from '../ts/index.ts'
import { pairOfDevices } from './device.ts'
import { isBrokenPipe, UsageError, XrunError } from './error.ts'
import type { Options } from './flags.ts'
import type { Command } from './parse.ts'
import { onSignal } from './signal.ts'
import { Display } from './status.ts'
import { isNegative, toFrames, type Sides, type Time } from './values.ts'

/** What the library keeps room for where it isn't told. */
const RECORDING_SECONDS = 10

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
function sides<T>({ input, output }: Command, pair: Partial<Sides<T>> | undefined, fallback?: T) {
  const playback = pair?.playback ?? fallback
  const recording = pair?.recording ?? fallback
  if (input === undefined) return recording
  if (output === undefined) return playback
  return playback === recording ? playback : ([playback, recording] as [T | undefined, T | undefined])
}

function device(command: Command) {
  const { device: given = [], host } = command.options
  // Its ids are asked for only where a comma could be of one.
  const ids = given.length === 1 && given[0]?.includes(',') ? devices().map(({ id }) => id) : []
  const [playback, recording] = pairOfDevices(given, ids, host)
  return sides(command, defined({ playback, recording }), 'default')
}

function mappings({ output, options }: Command): Pick<StreamOptions, 'txMapping' | 'rxMapping'> {
  const { map = [] } = options
  const [first, second] = map.map((mapping) => mapping && [...mapping])
  if (map.length < 2) return defined(output === undefined ? { txMapping: first } : { rxMapping: first })
  return defined({ txMapping: first, rxMapping: second })
}

function open(command: Command, file: SoundFile | undefined): Promise<Stream> {
  const info = file?.info
  const { input, output, options } = command
  const asked: StreamOptions = {
    ...defined({
      device: device(command),
      sampleRate: options.rate ?? info?.sampleRate,
      channels: sides(command, options.channels, info?.channels),
      format: sides(command, options.format, info?.format),
      blockSize: options.blocksize || undefined,
      latency: options.latency,
      xrun: options.fatalXruns ? ('abort' as const) : undefined,
    }),
    ...mappings(command),
  }
  if (input === undefined) return InputStream.open(asked)
  return output === undefined ? OutputStream.open(asked) : DuplexStream.open(asked)
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

/** A file is played as it is. */
function refuseOther(input: string, info: FileInfo, { rate = info.sampleRate, channels }: Options): void {
  const { playback = info.channels } = channels ?? {}
  if (rate !== info.sampleRate) throw new Error(`${input} has ${info.sampleRate} Hz, -r says ${rate}: leave out -r`)
  if (playback === info.channels) return
  const advice = 'leave out -c, or give it for the recording alone, as in -c ^,2'
  throw new Error(`${input} has ${info.channels} channels, -c says ${playback}: ${advice}`)
}

function name(file: string | undefined, pipe: string): string {
  return file === '-' ? pipe : (file ?? 'null')
}

function headline(stream: Stream, file: SoundFile | undefined, { input, output }: Command): string {
  const info = file?.info
  const list = (value: unknown): string => (Array.isArray(value) ? value.join('/') : String(value))
  const played = info
    ? `: ${info.container}, ${info.codec ? `${info.codec} as ` : ''}${info.encoding}, ${info.sampleRate} Hz, ${info.channels} ch` +
      (info.frames === undefined ? '' : `, ${(info.frames / info.sampleRate).toFixed(2)} s`) +
      (info.missing > 0 ? `, cut off: ${info.missing} frames of its header are missing` : '')
    : ''
  return [
    `<- ${name(input, 'stdin')}${played}`,
    `-- ${stream.device}: ${list(stream.format)}, ${stream.sampleRate} Hz, ${list(stream.channels)} ch`,
    `-> ${name(output, 'stdout')}`,
    '',
  ].join('\n')
}

/** The library's errors in the words of the command line. */
function translated(error: unknown, stream: Stream): unknown {
  if (error instanceof PastreamError && error.code === 'ERR_PASTREAM_XRUN') return new XrunError(stream.xruns)
  if (!(error instanceof PastreamError && error.code === 'ERR_PASTREAM_BUFFER_EMPTY')) return error
  const message = `the input ended after ${stream.played} frames, before -d: give a smaller -d, or -p to fill up with silence`
  return new Error(message, { cause: error })
}

/** What the user has to know of a run that is over, though it did not fail. */
function remarks(
  stream: Stream,
  outcome: Outcome | undefined,
  file: SoundFile | undefined,
  command: Command,
): string[] {
  const { input, output, options } = command
  const finished = outcome === 'finished'
  const length = file?.info.frames
  const whole = !options.loop && (!options.duration || isNegative(options.duration))
  const { count, frames } = stream.gaps
  const told: string[] = []
  if (finished && whole && length !== undefined && stream.played < length) {
    told.push(`${name(input, 'stdin')} is cut off: it ended after ${stream.played} of ${length} frames`)
  }
  if (output !== undefined && !finished && stream.frameCount === 0) {
    const kept = output === '-' || existsSync(output)
    told.push(`nothing was recorded, and ${name(output, 'stdout')} ${kept ? 'is as it was' : 'was not made'}`)
  }
  // Without -q the report says it.
  if (options.quiet && count > 0) told.push(`${frames} frames were not recorded: ${count} gaps are filled with silence`)
  return told
}

async function transfer(stream: Stream, file: SoundFile | undefined, command: Command): Promise<void> {
  const { options } = command
  const timing = span(options, stream.sampleRate, file?.info.frames)
  const bufferSize = options.buffersize
  if (file) await stream.setSource(file, { ...defined({ bufferSize }), loop: options.loop ?? false })
  if (command.output !== undefined) {
    // A small one lets a live input through sooner; of a recording it would only lose frames.
    const larger = bufferSize && bufferSize > RECORDING_SECONDS * stream.sampleRate ? bufferSize : undefined
    await stream.setSink(sink(command.output, options), defined({ bufferSize: larger }))
  }

  let stopped: Promise<void> | undefined
  const stop = (): void => {
    // One of the two that wait gets the stream's error, and throws it below.
    stopped ??= stream.stop()
  }
  stream.on('error', () => {}) // wait() throws it
  let outcome: Outcome | undefined
  stream.once('finished', (how) => (outcome = how))
  const display = options.quiet ? undefined : new Display(stream, process.stderr)
  const note = (text: string): void =>
    void (display ? display.note(text) : process.stderr.write(`pastream-rs: ${text}\n`))
  // From here to the start nothing is waited for, so that a signal finds the run under way.
  onSignal((signal) => {
    display?.note(`${signal}: finishing; once more ends at once`)
    stop()
  })
  process.stderr.write(display ? headline(stream, file, command) : '')
  try {
    await stream.start({ ...timing, align: options.align ?? false })
    await stream.wait()
    await stopped
  } catch (error) {
    if (!isBrokenPipe(error)) throw translated(error, stream)
    display?.note('nobody reads the output any more: finished')
  } finally {
    for (const text of remarks(stream, outcome, file, command)) note(text)
    display?.end()
    await stream.close()
  }
}

/** Plays, records or both. Throws what ended it before its time, but for a signal and a reader that has enough. */
export async function run(command: Command): Promise<void> {
  const { options, input, output } = command
  if (input === undefined && output === undefined) {
    throw new UsageError('no file: give an input to play, or null and an output to record to')
  }
  // First of all, so that a bad input leaves no output behind.
  const file = input === undefined ? undefined : await SoundFile.open(source(input, options))
  try {
    if (file) refuseOther(input ?? '', file.info, options)
    const stream = await open(command, file)
    try {
      await transfer(stream, file, command)
    } finally {
      await stream.close()
    }
  } finally {
    await file?.close()
  }
}
