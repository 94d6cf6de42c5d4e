/** What a value on the command line may be: how it is read, and how a user is told what is allowed. */
export interface Kind<T> {
  readonly allowed: string
  /** Answers undefined where `text` is none of it. */
  readonly parse: (text: string) => { readonly value: T } | undefined
  /** What a shell may complete it to, where that can be listed; or that it is a device. */
  readonly complete?: readonly string[] | 'device'
}

/** A length of time as it was given, a sum: it becomes frames once the stream's rate is known. */
export interface Time {
  readonly seconds: number
  readonly frames: number
}

/** The two sides of a stream, in the order of the command line. */
export interface Sides<T> {
  readonly playback: T | undefined
  readonly recording: T | undefined
}

const NUMBER = String.raw`\d+\.?\d*|\.\d+`
const SAMPLES = new RegExp(`^(${NUMBER})([kKmM]?)s$`)
const CLOCK = new RegExp(`^(?:(?:(\\d+):)?(\\d+):)?(${NUMBER})$`)
const SIZE = new RegExp(`^(${NUMBER})([kKmM]?)$`)
const SCALE: Readonly<Record<string, number>> = { '': 1, k: 1000, K: 1024, m: 1e6, M: 1024 ** 2 }

/** So long that no rate makes more frames of it than a number counts exactly. */
const LONGEST_SECONDS = 1e10
const MOST_CHANNELS = 256

/** `null`, `^` or nothing at all: the placeholder that keeps a default, and the file that is none. */
export function isNone(text: string): boolean {
  return text === '' || text === '^' || text.toLowerCase() === 'null'
}

function some<T>(value: T | undefined): { readonly value: T } | undefined {
  return value === undefined ? undefined : { value }
}

function scaled(number: string, suffix: string): number {
  return Number(number) * (SCALE[suffix] ?? Number.NaN)
}

/** One term of a time, without its sign. */
function readTerm(text: string): Time | undefined {
  const samples = SAMPLES.exec(text)
  if (samples) {
    const [, number = '', suffix = ''] = samples
    const frames = Math.round(scaled(number, suffix))
    return Number.isSafeInteger(frames) ? { seconds: 0, frames } : undefined
  }
  const clock = CLOCK.exec(text)
  if (!clock) return undefined
  const [, hours = '0', minutes = '0', rest = '0'] = clock
  const seconds = Number(hours) * 3600 + Number(minutes) * 60 + Number(rest)
  return seconds <= LONGEST_SECONDS ? { seconds, frames: 0 } : undefined
}

function readTime(text: string): Time | undefined {
  // Odd ones are signs.
  const [first = '', ...rest] = text.split(/([+-])/)
  const signed = first === '' ? rest : ['+', first, ...rest]
  let sum: Time | undefined
  for (let at = 0; at < signed.length; at += 2) {
    const term = readTerm(signed[at + 1] ?? '')
    if (!term) return undefined
    const { seconds, frames }: Time = sum ?? { seconds: 0, frames: 0 }
    sum =
      signed[at] === '-'
        ? { seconds: seconds - term.seconds, frames: frames - term.frames }
        : { seconds: seconds + term.seconds, frames: frames + term.frames }
  }
  return sum
}

/** Frames at a rate in Hz; -1 where the time is negative. */
export function toFrames({ seconds, frames }: Time, sampleRate: number): number {
  const exact = seconds * sampleRate + frames
  return exact < 0 ? -1 : Math.round(exact)
}

/** A time, where negative means "no limit". */
export const time: Kind<Time> = {
  allowed:
    'a time is [[hours:]minutes:]seconds[.fraction], or samples with an s: 1:30, 0.5, 48000s, 1ks; or a sum or difference, 0:12+10s',
  parse: (text) => some(readTime(text)),
}

export const positiveTime: Kind<Time> = {
  allowed: `${time.allowed}; not negative`,
  parse(text) {
    const value = readTime(text)
    // Of a sum of both the rate decides.
    return value && (Math.max(value.seconds, value.frames) > 0 || (value.seconds === 0 && value.frames === 0))
      ? { value }
      : undefined
  },
}

export const someTime: Kind<Time> = {
  allowed: `${time.allowed}; more than 0`,
  parse(text) {
    const read = positiveTime.parse(text)
    return read && (read.value.seconds !== 0 || read.value.frames !== 0) ? read : undefined
  },
}

/** A level in dB: no more than what silences or clips everything. */
export const decibels: Kind<number> = {
  allowed: 'a gain is in dB, from -200 to 200, such as -6 or +1.5',
  parse(text) {
    const value = /^[+-]?(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : Number.NaN
    return Math.abs(value) <= 200 ? { value } : undefined
  },
}

/** A whole number from `least` to `most`, after its suffix k, K, m or M. */
export function size(what: string, least: number, most: number): Kind<number> {
  return {
    allowed: `${what} is a whole number from ${least} to ${most}, such as 44100, 48k or 64K`,
    parse(text) {
      const match = SIZE.exec(text)
      if (!match) return undefined
      const [, number = '', suffix = ''] = match
      const exact = scaled(number, suffix)
      const value = Math.round(exact)
      const whole = Math.abs(exact - value) < 1e-6 // 44.1k is one, though not in binary
      return whole && value >= least && value <= most ? { value } : undefined
    },
  }
}

export const channels: Kind<number> = {
  allowed: `channels are a whole number from 1 to ${MOST_CHANNELS}`,
  parse(text) {
    const value = /^\d+$/.test(text) ? Number(text) : 0
    return value >= 1 && value <= MOST_CHANNELS ? { value } : undefined
  },
}

/** Channels of a device, each once. */
export const channelList: Kind<readonly number[]> = {
  allowed: `channels of a device are whole numbers from 1 to ${MOST_CHANNELS}, each once, such as 3,4`,
  parse(text) {
    const read = text.split(',').map((part) => channels.parse(part)?.value ?? 0)
    return read.includes(0) || new Set(read).size < read.length ? undefined : { value: read }
  },
}

/** One of some names, in any case. */
export function choice<const T extends string>(...names: readonly T[]): Kind<T> {
  return {
    allowed: `one of ${names.join(', ')}`,
    parse: (text) => some(names.find((name) => name === text.toLowerCase())),
    complete: names,
  }
}

export const latency: Kind<'low' | 'high' | number> = {
  allowed: 'low, high, or seconds such as 0.02',
  parse(text) {
    const word = text.toLowerCase()
    if (word === 'low' || word === 'high') return { value: word }
    return /^(\d+\.?\d*|\.\d+)$/.test(text) ? { value: Number(text) } : undefined
  },
  complete: ['low', 'high'],
}

export const device: Kind<string> = {
  allowed: 'a device is named by its id, its number, or parts of its name; -l lists them',
  parse: (value) => (value.trim() === '' && value !== '' ? undefined : { value: value.trim() }),
  complete: 'device',
}

/** `NAME=VALUE`, the name in any case. */
export function tag<const N extends string>(names: readonly N[]): Kind<readonly [name: N, text: string]> {
  return {
    allowed: `a tag is NAME=VALUE, with a NAME of ${names.join(', ')}, which is a whole number of frames`,
    parse(given) {
      const at = given.indexOf('=')
      const [name, text] = [given.slice(0, at).toLowerCase(), given.slice(at + 1)]
      const known = names.find((one) => one.toLowerCase() === name)
      if (known === 'timeReference' && !/^\d+$/.test(text)) return undefined
      return known && { value: [known, text] }
    },
    complete: names.map((name) => `${name}=`),
  }
}

/** `A` for both sides, or `A,B`, where a placeholder keeps the default. */
export function pair<T>(kind: Kind<T>): Kind<Sides<T>> {
  return {
    allowed: `${kind.allowed}; one for both sides or playback,record, where null or ^ keeps the default`,
    parse(given) {
      const parts = given.split(',')
      if (parts.length > 2) return undefined
      const sides: (T | undefined)[] = []
      for (const part of parts) {
        const read = isNone(part) ? { value: undefined } : kind.parse(part)
        if (!read) return undefined
        sides.push(read.value)
      }
      const [playback, recording = parts.length === 1 ? playback : undefined] = sides
      return { value: { playback, recording } }
    },
    ...(kind.complete && { complete: kind.complete }),
  }
}

/** `CHIN[:CHOUT][,…]` as the list whose item i is the source of channel i + 1, 0 being silence. */
function readMapping(given: string): number[] | undefined {
  const mapping: number[] = []
  for (const [index, entry] of given.split(',').entries()) {
    const match = /^(\d+)(?::(\d+))?$/.exec(entry)
    if (!match) return undefined
    const from = Number(match[1])
    const to = match[2] === undefined ? index + 1 : Number(match[2])
    if (from > MOST_CHANNELS || to < 1 || to > MOST_CHANNELS || mapping[to - 1] !== undefined) return undefined
    mapping[to - 1] = from
  }
  return Array.from(mapping, (from) => from ?? 0)
}

/** A mapping; undefined where a placeholder keeps the channels as they are. */
export const mapping: Kind<readonly number[] | undefined> = {
  allowed: `a map is CHIN[:CHOUT][,...], channels from 1 to ${MOST_CHANNELS} (CHIN 0: silence), each CHOUT once`,
  parse: (given) => (isNone(given) ? { value: undefined } : some(readMapping(given))),
}
