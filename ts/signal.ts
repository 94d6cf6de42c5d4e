import { invalid } from './error.ts'
import { samples, sampleSize, silence, type Format, type SampleArray } from './format.ts'
import { natural, nothingElse, seconds as duration } from './options.ts'

/** What a signal has to know of its stream; a stream fits. Of a pair the first counts, which is playback. */
export interface SignalSettings {
  /** In Hz. */
  readonly sampleRate: number
  readonly channels: number | readonly number[]
  readonly format: Format | readonly Format[]
}

/**
 * A source that computes its samples when they are asked for: interleaved chunks of the stream's format, each valid
 * until the next step. Called again, it starts again. What doesn't fit the stream is refused at the call.
 */
export type Signal = (stream: SignalSettings) => Generator<SampleArray, void, undefined>

/** How long a signal lasts: one of the two, or neither for one without end. */
export interface Length {
  /** A whole number, 0 or more. */
  frames?: number
  /** 0 or more; times the rate, rounded to the nearest frame. */
  seconds?: number
}

/** One channel's values, -1 to 1 at full scale, asked for frame by frame from 0 on. */
export type Voice = (frame: number) => number

/** Frames of a chunk; the last one of a signal may have fewer. */
const BLOCK = 1024

/**
 * A signal of the voices that `begin` gives for a run, once it has checked that they fit the stream. A channel without
 * a voice of its own repeats the one before it.
 */
export function signal(
  length: Length,
  begin: (sampleRate: number, channels: number, frames: number) => Voice[],
): Signal {
  const count = counter(length)
  return (stream) => {
    const { sampleRate, channels, format } = playback(stream)
    const frames = Math.round(count(sampleRate))
    return render(begin(sampleRate, channels, frames), frames, channels, format)
  }
}

function* render(voices: Voice[], frames: number, channels: number, format: Format): ReturnType<Signal> {
  const block = samples(format, new Uint8Array(BLOCK * channels * sampleSize(format)))
  const put = writer(format, block)
  for (let start = 0; start < frames; start += BLOCK) {
    const count = Math.min(BLOCK, frames - start)
    for (let frame = 0, at = 0; frame < count; frame++) {
      for (let channel = 0, value = 0; channel < channels; channel++, at++) {
        const voice = voices[channel]
        if (voice) value = voice(start + frame)
        put(at, value)
      }
    }
    yield block.subarray(0, (block.length / BLOCK) * count)
  }
}

/** Puts a value into a block, as a sample of its format. */
function writer(format: Format, block: SampleArray): (at: number, value: number) => void {
  const [full, zero] = [2 ** (8 * sampleSize(format) - 1), silence(format)]
  const integer = (value: number): number => {
    const clipped = Math.min(Math.max(value * full, -full), full - 1)
    // So near to 2^53 a double has no room for a fraction: the sum is rounded, to even where it is halfway.
    return clipped + 1.5 * 2 ** 52 - 1.5 * 2 ** 52
  }
  if (format === 'float32') return (at, value) => (block[at] = value)
  if (format !== 'int24') return (at, value) => (block[at] = integer(value) + zero)
  return (at, value) => {
    const sample = integer(value)
    block[3 * at] = sample
    block[3 * at + 1] = sample >> 8
    block[3 * at + 2] = sample >> 16
  }
}

/** What a signal is rendered for: of a pair the first. */
export function playback(stream: SignalSettings): { sampleRate: number; channels: number; format: Format } {
  const first = <T>(pair: T | readonly T[]): T => (Array.isArray(pair) ? pair[0] : pair) as T
  const { sampleRate, channels, format } = stream
  const side = { sampleRate, channels: first(channels), format: first(format) }
  natural('sampleRate', side.sampleRate)
  natural('channels', side.channels)
  return side
}

/** The frames that a length comes to at a rate, not rounded; without end, infinitely many. */
export function counter({ frames, seconds, ...rest }: Length): (sampleRate: number) => number {
  nothingElse(rest)
  if (frames !== undefined && seconds !== undefined) throw invalid('there are `frames` and `seconds`: give one of them')
  if (frames !== undefined && !(Number.isSafeInteger(frames) && frames >= 0)) {
    throw invalid(`frames is ${String(frames)}: give a whole number, 0 or more`)
  }
  duration('seconds', seconds)
  return (sampleRate) => frames ?? (seconds === undefined ? Infinity : seconds * sampleRate)
}

/** A length that has an end. */
export function ending(length: Length): Length {
  if (length.frames !== undefined || length.seconds !== undefined) return length
  throw invalid('nothing says how long: give `frames` or `seconds`')
}

/** Refuses what is not a finite number from `least` on. */
export function real(name: string, value: number, wanted: string, least = 0): void {
  if (Number.isFinite(value) && value >= least) return
  throw invalid(`${name} is ${String(value)}: give ${wanted}`)
}
