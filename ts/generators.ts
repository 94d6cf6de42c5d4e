import { invalid } from './error.ts'
import { bytesOf, samples, sampleSize, type Format, type SampleArray } from './format.ts'
import { choice, natural } from './options.ts'
import { counter, ending, playback, real, signal, type Length, type Signal, type SignalSettings } from './signal.ts'
import type { Voice } from './signal.ts'

export type { Length, Signal, SignalSettings } from './signal.ts'

/** What signals are made of: a `Signal`, or any function whose chunks are whole frames in the stream's format. */
export type SignalPart = (stream: SignalSettings) => Iterable<SampleArray>

export interface ToneOptions extends Length {
  /** The peak, 0 or more; 1 is full scale, beyond which integer formats clip. @default 0.5 */
  amplitude?: number
}

export interface SineOptions extends ToneOptions {
  /** In Hz, 0 to half the stream's rate. */
  frequency: number
  /** Where it starts, in radians. @default 0 */
  phase?: number
}

export interface ChirpOptions extends ToneOptions {
  /** Where it starts, in Hz, 0 to half the stream's rate; above 0 where the sweep is logarithmic. */
  from: number
  /** Where it ends, as `from`; below it, the chirp falls. */
  to: number
  /** Equal times for equal steps in Hz, or for octaves. @default 'linear' */
  method?: 'linear' | 'logarithmic'
}

export interface NoiseOptions extends Length {
  /** Equal power for equal bandwidths, or for octaves. @default 'white' */
  color?: 'white' | 'pink'
  /** A whole number, 0 to 2³² − 1: the same one gives the same noise. @default 1 */
  seed?: number
  /** 0 or more: the peak of white noise, 4 times the RMS of pink; integer formats clip beyond 1. @default 0.5 */
  amplitude?: number
}

export interface ImpulseOptions extends Length {
  /** From one impulse to the next, at least 1 frame. @default there is one impulse */
  period?: Length
  /** 0 or more; 1 is full scale, beyond which integer formats clip. @default 1 */
  amplitude?: number
}

/** `amplitude` × sin(2π × `frequency` × frame / rate + `phase`) on every channel; a number is the frequency. */
export function sine(options: number | SineOptions): Signal {
  const given = typeof options === 'number' ? { frequency: options } : { ...options }
  const { frequency, phase = 0, amplitude = 0.5, ...length } = given
  real('frequency', frequency, 'Hz, 0 or more')
  real('phase', phase, 'radians', -Infinity)
  real('amplitude', amplitude, FULL_SCALE)
  return signal(length, (sampleRate) => {
    belowNyquist('frequency', frequency, sampleRate)
    // The remainder is exact: at whole Hz the phase never wanders.
    return [(frame) => amplitude * Math.sin(2 * Math.PI * (((frequency * frame) % sampleRate) / sampleRate) + phase)]
  })
}

/**
 * A sweep of T seconds on every channel: `amplitude` × sin(2π φ(t)), in closed form, so that no error adds up. Its
 * length is required.
 *
 * - linear: φ(t) = from t + (to − from) t² / 2T
 * - logarithmic: φ(t) = from T / k × (e^(k t / T) − 1), k = ln(to / from), as in A. Farina, “Simultaneous measurement
 *   of impulse response and distortion with a swept-sine technique”, 108th AES Convention, 2000
 */
export function chirp(options: ChirpOptions): Signal {
  const { from, to, method = 'linear', amplitude = 0.5, ...length } = { ...options }
  const linear = choice('method', method, 'linear', 'logarithmic') === 'linear'
  const [least, wanted] = linear ? [0, 'Hz, 0 or more'] : [Number.MIN_VALUE, 'Hz above 0']
  real('from', from, wanted, least)
  real('to', to, wanted, least)
  real('amplitude', amplitude, FULL_SCALE)
  const k = Math.log(to / from)
  return signal(ending(length), (sampleRate, _, frames) => {
    belowNyquist('from', from, sampleRate)
    belowNyquist('to', to, sampleRate)
    const T = frames / sampleRate
    const cycles =
      linear || k === 0
        ? (t: number) => from * t + ((to - from) * t * t) / (2 * T)
        : (t: number) => ((from * T) / k) * Math.expm1((k * t) / T)
    return [(frame) => amplitude * Math.sin(2 * Math.PI * (cycles(frame / sampleRate) % 1))]
  })
}

/**
 * Noise, independent on each channel. White is uniform, of the generator sfc32 (C. Doty-Humphrey, PractRand). Pink is
 * white through P. Kellet's filter (music-dsp list, 1999; firstpr.com.au/dsp/pink-noise): −3.01 dB an octave, within
 * 0.05 dB from 1/4800 of the rate on; about 1 of 40,000 of its samples exceeds the amplitude.
 */
export function noise(options: NoiseOptions = {}): Signal {
  const { color = 'white', seed = 1, amplitude = 0.5, ...length } = options
  const voice = choice('color', color, 'white', 'pink') === 'white' ? white : pink
  natural('seed', seed, 0)
  real('amplitude', amplitude, FULL_SCALE)
  return signal(length, (_, channels) =>
    Array.from({ length: channels }, (_, channel) => voice(random(seed, channel), amplitude)),
  )
}

/** `amplitude` at frame 0 and at each multiple of `period`, rounded to its frame, 0 elsewhere; on every channel. */
export function impulse(options: ImpulseOptions = {}): Signal {
  const { period = {}, amplitude = 1, ...length } = options
  const every = counter(period)
  real('amplitude', amplitude, FULL_SCALE)
  return signal(length, (sampleRate) => {
    const frames = every(sampleRate)
    if (frames < 1) throw invalid(`the period is ${frames} frames: give at least 1, or none for a single impulse`)
    let [count, next] = [0, 0]
    return [
      (frame) => {
        if (frame !== next) return 0
        // A multiple, not a sum, so that a period between two frames doesn't drift.
        next = Math.round(++count * frames)
        return amplitude
      },
    ]
  })
}

/** Silence: 0, which is 128 in uint8. */
export function silence(length: Length = {}): Signal {
  return signal(length, () => [() => 0])
}

/** The first frames of a signal, or all where it ends before; asks for no chunk that it doesn't need. */
export function take(part: SignalPart, length: Length): Signal {
  callable(part)
  const count = counter(ending({ ...length }))
  return (stream) => {
    const { sampleRate, channels, format } = playback(stream)
    return cut(part(stream), Math.round(count(sampleRate)), format, channels * sampleSize(format))
  }
}

function* cut(chunks: Iterable<SampleArray>, frames: number, format: Format, size: number): ReturnType<Signal> {
  if (frames === 0) return
  for (const chunk of chunks) {
    const bytes = bytesOf(format, chunk)
    const count = bytes.length / size
    if (!Number.isInteger(count)) {
      throw invalid(`a chunk has ${bytes.length} bytes: give whole frames of ${size} bytes each`)
    }
    yield count <= frames ? chunk : samples(format, bytes.subarray(0, frames * size))
    frames -= count
    if (frames <= 0) return
  }
}

/** Signals one after the other, chunk by chunk as they come; what follows one without end is never reached. */
export function concat(...parts: readonly SignalPart[]): Signal {
  for (const part of parts) callable(part)
  // All are called now: what doesn't fit the stream is refused before the first frame, not when its turn comes.
  return (stream) => chain(parts.map((part) => part(stream)))
}

function* chain(parts: Iterable<SampleArray>[]): ReturnType<Signal> {
  for (const part of parts) yield* part
}

const FULL_SCALE = '0 or more, where 1 is full scale'

function belowNyquist(name: string, frequency: number, sampleRate: number): void {
  if (frequency <= sampleRate / 2) return
  throw invalid(`${name} is ${frequency} Hz: give at most half the stream’s rate, ${sampleRate / 2} Hz`)
}

function callable(part: SignalPart): void {
  if (typeof part === 'function') return
  throw invalid('a signal is a function: give what sine(440) and the like return, or a generator function')
}

/** sfc32: whole numbers below 2³², others for each seed and channel. */
function random(seed: number, channel: number): () => number {
  let [a, b, c, counter] = [seed | 0, channel, 0, 1]
  const next = (): number => {
    const sum = (a + b + counter++) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return sum >>> 0
  }
  // Until each bit of the seed has reached all of the state.
  for (let round = 0; round < 15; round++) next()
  return next
}

function white(next: () => number, amplitude: number): Voice {
  // The half makes the range the same on both sides of 0.
  return () => amplitude * ((next() + 0.5) / 2 ** 31 - 1)
}

/** Kellet's filter: one-pole filters side by side, each `[pole, gain]`, and with them the input and the one before. */
const POLES = [
  [0.99886, 0.0555179],
  [0.99332, 0.0750759],
  [0.969, 0.153852],
  [0.8665, 0.3104856],
  [0.55, 0.5329522],
  [-0.7616, -0.016898],
] as const
const [DIRECT, DELAYED] = [0.5362, 0.115926]
/** What the filter makes of white noise of amplitude 1: √(Σ h² / 3), h being its impulse response. */
const PINK_RMS = Math.sqrt(9.317924421 / 3)

function pink(next: () => number, amplitude: number): Voice {
  const input = white(next, amplitude / 4 / PINK_RMS)
  const filters = POLES.map(([pole, gain]) => ({ pole, gain, state: 0 }))
  let before = 0
  return (frame) => {
    const fresh = input(frame)
    let sum = DIRECT * fresh + DELAYED * before
    before = fresh
    for (const filter of filters) sum += filter.state = filter.pole * filter.state + filter.gain * fresh
    return sum
  }
}
