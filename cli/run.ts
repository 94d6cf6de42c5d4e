import { existsSync } from 'node:fs'
import {
  devicePair,
  devices,
  DuplexStream,
  InputStream,
  OutputStream,
  PastreamError,
  SoundFile,
  type FileSink,
  type FileSource,
  type Outcome,
  type Stream,
  type StreamOptions,
  type Tags,
} from '../ts/index.ts'
import { within } from './device.ts'
import { isBrokenPipe, UsageError, XrunError } from './error.ts'
import { flags, type Options } from './flags.ts'
import { onKeys } from './keys.ts'
import type { Command } from './parse.ts'
import { onNext, onSignal } from './signal.ts'
import { Events, Text, type Report, type Subject } from './report.ts'
import { toFrames, type Sides, type Time } from './values.ts'
import { nearest } from './words.ts'

/** What is lost on a command without an output. */
const OF_OUTPUT = ['align', 'dither', 'split', 'preroll', 'tag', 'sync', 'noClobber'] as const

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

function sink(file: string, { input, options }: Command, rate: number): FileSink {
  const { type, encoding, endian, dither, tag, sync, noClobber, gain, split, preroll, select } = options
  const frames = (name: string, time: Time | undefined): number | undefined => {
    const count = time && toFrames(time, rate)
    if (count !== undefined && count < 1) throw new UsageError(`${name} is not a frame long at ${rate} Hz: give more`)
    return count
  }
  return {
    path: file === '-' ? { fd: 1 } : file,
    ...defined({
      type: type?.recording,
      encoding: encoding?.recording,
      endian: endian?.recording,
      dither: dither === undefined ? undefined : { seed: dither },
      // The library takes a number as text, too.
      tags: tag && (Object.fromEntries(tag) as Tags),
      sync,
      overwrite: noClobber && file !== '-' ? false : undefined,
      channels: select?.length,
      gain: input === undefined ? gain : undefined,
      split: frames('--split', split),
      preroll: frames('--preroll', preroll),
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
function sides<T>({ input, output }: Command, pair: Partial<Sides<T>> | undefined, fallback?: T) {
  const playback = pair?.playback ?? fallback
  const recording = pair?.recording ?? fallback
  if (input === undefined) return recording
  if (output === undefined) return playback
  return playback === recording ? playback : ([playback, recording] as [T | undefined, T | undefined])
}

function device(command: Command) {
  const { device: [first = '', second] = [], host } = command.options
  const pair = second === undefined ? devicePair(first) : [first, second]
  const [playback, recording] = host === undefined ? pair : pair.map((name) => within(host, name))
  return sides(command, { playback, recording })
}

function mappings({ input, output, options }: Command): Pick<StreamOptions, 'txMapping' | 'rxMapping'> {
  const { map = [], select } = options
  if (select) {
    if (map.length > 0) throw new UsageError('-s and -m both tell which channels go where: leave out one of them')
    const to = Array.from({ length: Math.max(...select) }, (_, index) => select.indexOf(index + 1) + 1)
    const [played, recorded] = [input === undefined ? undefined : to, output === undefined ? undefined : [...select]]
    return defined({ txMapping: played, rxMapping: recorded })
  }
  const [first, second] = map.map((mapping) => mapping && [...mapping])
  if (map.length < 2) return defined(output === undefined ? { txMapping: first } : { rxMapping: first })
  return defined({ txMapping: first, rxMapping: second })
}

/** Opens the stream, and has it play the input. */
async function open(command: Command, file: SoundFile | undefined): Promise<Stream> {
  const info = file?.info
  const { output, options } = command
  const { buffersize: bufferSize, resample, quality, gain, loop = false } = options
  const asked: StreamOptions = {
    ...defined({
      device: device(command),
      sampleRate: options.rate,
      // As many as reach the last of those that are chosen.
      channels: options.select
        ? Math.max(...options.select)
        : options.channels && sides(command, options.channels, info?.channels),
      format: options.format && sides(command, options.format, info?.format),
      blockSize: options.blocksize || undefined,
      latency: options.latency,
      underrun: options.underrun,
      overrun: options.overrun,
      xrun: options.fatalXruns ? ('abort' as const) : undefined,
    }),
    ...mappings(command),
  }
  try {
    if (!file) return await InputStream.open(asked)
    const playing = { ...asked, ...defined({ bufferSize, resample, quality, gain }), loop }
    return await (output === undefined ? OutputStream : DuplexStream).fromFile(file, playing)
  } catch (error) {
    throw suggesting(error, asked.device)
  }
}

/** An error about a device that is not there, with the names that may have been meant. */
function suggesting(error: unknown, asked: StreamOptions['device']): unknown {
  if (!(error instanceof PastreamError && error.code === 'ERR_PASTREAM_DEVICE_NOT_FOUND')) return error
  const known = devices().flatMap(({ id, name: called }) => [id, called])
  // Neither a number nor what is there is misspelt.
  const names = [asked].flat().map(String)
  const misspelt = names.filter((name) => !/^\d+( |$)/.test(name) && !known.includes(name))
  const meant = misspelt.flatMap((name) => nearest(name, known))
  if (meant.length === 0) return error
  return new PastreamError(error.code, `${error.message}; did you mean ${[...new Set(meant)].join(' or ')}?`)
}

interface Span {
  readonly frames: number
  readonly pad: number
  readonly offset: number
}

/** Times as frames at the stream's rate. `length`: that of the playback, where it is known. */
function span({ duration, pad, offset, loop }: Options, rate: number, length: number | undefined): Span {
  const frames = (time: Time | undefined, unset: number): number => (time ? toFrames(time, rate) : unset)
  const all = { frames: frames(duration, -1), pad: frames(pad, 0), offset: frames(offset, 0) }
  if (all.offset < 0) throw new UsageError(`-o is negative at ${rate} Hz: give a time from 0 on`)
  const endless = all.pad < 0 || loop || length === undefined
  const end = all.frames >= 0 ? all.frames : endless ? Infinity : length + all.pad
  if (all.offset > end) {
    throw new UsageError(`-o is ${all.offset} frames, but the recording ends after ${end}: give a smaller -o`)
  }
  return all
}

/** The frames that a file is played as at the stream's rate, where that is known. */
function playedLength(file: SoundFile | undefined, rate: number): number | undefined {
  const { frames, sampleRate } = file?.info ?? {}
  return frames === undefined || sampleRate === undefined ? undefined : Math.ceil((frames * rate) / sampleRate)
}

function name(file: string | undefined, pipe: string): string {
  return file === '-' ? pipe : (file ?? 'null')
}

/** The library's errors in the words of the command line. */
function translated(error: unknown, stream: Stream, { output, options }: Command): unknown {
  if (isBrokenPipe(error)) {
    const frames = stream.files[0]?.frames ?? 0
    const message = `${name(output, 'stdout')}: nobody reads the output any more: it is not complete, ${frames} frames of it are written`
    return new PastreamError('ERR_PASTREAM_IO', message, { cause: error })
  }
  if (error instanceof PastreamError && error.code === 'ERR_PASTREAM_XRUN')
    return new XrunError(stream.xruns, stream.device)
  if (!(error instanceof PastreamError && error.code === 'ERR_PASTREAM_BUFFER_EMPTY')) return error
  const ended = `ended after ${stream.played} frames, before -d: give a smaller -d, or -p to fill up with silence`
  const late = `was late after ${stream.played} frames: leave out --underrun abort, or give a larger --buffersize`
  const short = options.duration !== undefined
  const message = `the input ${options.underrun === 'abort' ? (short ? `${late}; or it ${ended}` : late) : ended}`
  return new Error(message, { cause: error })
}

/** What the user has to know of a run that is over, though it did not fail. */
function remarks(
  stream: Stream,
  outcome: Outcome | undefined,
  file: SoundFile | undefined,
  command: Command,
  waits: boolean,
): string[] {
  const { input, output, options } = command
  const finished = outcome === 'finished'
  const length = playedLength(file, stream.sampleRate)
  const whole = !options.loop && (!options.duration || toFrames(options.duration, stream.sampleRate) < 0)
  const { count, frames } = stream.gaps
  const told: string[] = []
  if (finished && whole && length !== undefined && (stream.position ?? stream.played) < length) {
    told.push(`${name(input, 'stdin')} is cut off: it ended after ${stream.played} of ${length} frames`)
  }
  if (output !== undefined && stream.files.length === 0) {
    const why = waits && stream.frameCount > 0 ? ': neither USR1 nor the key n came' : ''
    const kept = output === '-' || existsSync(output)
    const left = `, and ${name(output, 'stdout')} ${kept ? 'is as it was' : 'was not made'}`
    told.push(`nothing was recorded${why}${options.split ? '' : left}`)
  }
  // Without -q the report says it.
  if (options.quiet && count > 0) told.push(`${frames} frames were not recorded: ${count} gaps are filled with silence`)
  return told
}

/** How long the run is, in frames, where that is known. */
function runLength({ frames, pad }: Span, endless: boolean, length: number | undefined): number | undefined {
  if (frames >= 0) return frames + Math.max(pad, 0)
  return endless || length === undefined ? undefined : length + pad
}

/** Who tells of a run; undefined: nobody. */
function reporter(subject: Subject, { quiet, json }: Options): Report | undefined {
  if (quiet) return undefined
  return json ? new Events(subject, process.stderr) : new Text(subject, process.stderr, process.env)
}

async function transfer(stream: Stream, file: SoundFile | undefined, command: Command): Promise<void> {
  const { options, input, output } = command
  const { json, loop = false, meter = process.stderr.isTTY && !json ? 'on' : undefined } = options
  const length = playedLength(file, stream.sampleRate)
  const timing = span(options, stream.sampleRate, length)
  if (output !== undefined) {
    const { buffersize: bufferSize } = options
    // A small one lets a live input through sooner; of a recording it would only lose frames.
    const larger = bufferSize && bufferSize > RECORDING_SECONDS * stream.sampleRate ? bufferSize : undefined
    await stream.setSink(sink(output, command, stream.sampleRate), defined({ bufferSize: larger }))
  }

  let stopped: Promise<void> | undefined
  const stop = (): void => {
    // One of the two that wait gets the stream's error, and throws it below.
    stopped ??= stream.stop()
  }
  stream.on('error', () => {}) // wait() throws it
  let broken = false
  let outcome: Outcome | undefined
  stream.once('finished', (how) => (outcome = how))
  const report = reporter(
    {
      stream,
      input: file && { name: name(input, 'stdin'), info: file.info },
      output: output === undefined ? undefined : name(output, 'stdout'),
      length: runLength(timing, timing.pad < 0 || loop || !file, length),
      whole: timing.frames < 0,
      levels: options.meter !== 'off',
      meter: meter === 'on',
    },
    options,
  )
  const note = (text: string): void =>
    void (report ? report.note(text) : process.stderr.write(`pastream-rs: ${text}\n`))
  let waits = options.preroll !== undefined
  const next =
    output !== undefined && (waits || options.split)
      ? (): void => {
          // Whoever asks before the first frame, or once it is over, asks for nothing.
          if (!stream.active) return
          if (waits) stream.trigger()
          else if (options.split) stream.split()
          waits = false
        }
      : undefined
  const endNext = next && onNext(next)
  // From here to the start nothing is waited for, so that a signal finds the run under way.
  onSignal((signal) => {
    report?.note(`${signal}: finishing; once more ends at once`)
    stop()
  })
  const endKeys =
    report && !json && input !== '-' && process.stdin.isTTY && process.stderr.isTTY
      ? onKeys(process.stdin, stream, file !== undefined, { stop, next, note })
      : undefined
  report?.start()
  try {
    await stream.start({ ...timing, align: options.align ?? false })
    await stream.wait()
    await stopped
  } catch (error) {
    broken = isBrokenPipe(error)
    throw translated(error, stream, command)
  } finally {
    endKeys?.()
    endNext?.()
    // Of an output that nobody has there is no more to say.
    if (!broken) for (const text of remarks(stream, outcome, file, command, waits)) note(text)
    report?.end(outcome)
    await stream.close()
  }
}

/** Plays, records or both. Throws what ended it before its time, but for a signal. */
export async function run(command: Command): Promise<void> {
  const { options, input, output } = command
  if (input === undefined && output === undefined) {
    throw new UsageError('no file: give an input to play, or null and an output to record to')
  }
  const unused = output === undefined && OF_OUTPUT.find((key) => options[key] !== undefined)
  if (unused) throw new UsageError(`${flags[unused].names.at(-1)} is of the output, and there is none: name one`)
  if (options.split && output === '-') throw new UsageError('--split makes files, and - is none: name an output')
  // With --split every file is a new one.
  if (options.noClobber && !options.split && output !== undefined && output !== '-' && existsSync(output)) {
    throw new Error(
      `${output} is there already, and --no-clobber keeps it: name another output, or leave out --no-clobber`,
    )
  }
  // First of all, so that a bad input leaves no output behind.
  const file = input === undefined ? undefined : await SoundFile.open(source(input, options))
  try {
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
