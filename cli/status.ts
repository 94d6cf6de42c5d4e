import type { Level, Stream } from '../ts/index.ts'

/** What the status line tells of a stream. */
export type Measured = Pick<Stream, 'sampleRate' | 'xruns' | 'gaps' | 'cpuLoad' | 'paused'>

/** The lowest level that a meter shows, in dB below full scale. */
const FLOOR = -60
/** What 16 bits can't pass: at or above it a channel is clipped. */
const CLIP = 32_767 / 32_768
const MOST_CELLS = 24
const LEAST_CELLS = 4
const LEAST_BAR = 8

/** `HH:MM:SS.ss`. */
export function clock(seconds: number): string {
  const hundredths = Math.floor(seconds * 100)
  const two = (value: number): string => String(value).padStart(2, '0')
  const [hours, minutes, rest] = [
    Math.floor(hundredths / 360_000),
    Math.floor(hundredths / 6000) % 60,
    hundredths % 6000,
  ]
  return `${two(hours)}:${two(minutes)}:${two(Math.floor(rest / 100))}.${two(rest % 100)}`
}

/** A level of 0 to 1 in dB below full scale. */
export function decibels(level: number): string {
  return level > 0 ? (20 * Math.log10(level)).toFixed(1).replace('-0.0', '0.0') : '-inf'
}

/** The levels of channels over time: their highest is held for a while, and that one was clipped for ever. */
export class Meters {
  readonly #held: { peak: number; until: number; now: number; clipped: boolean }[] = []
  readonly #hold: number

  /** `hold`: for so many looks. */
  constructor(hold: number) {
    this.#hold = hold
  }

  look(levels: readonly Level[]): void {
    for (const [channel, { peak }] of levels.entries()) {
      const held = (this.#held[channel] ??= { peak: 0, until: 0, now: 0, clipped: false })
      held.now = peak
      held.clipped ||= peak >= CLIP
      if (peak >= held.peak || held.until-- <= 0) Object.assign(held, { peak, until: this.#hold })
    }
  }

  /** As wide as fits into `width`, all channels or, where those don't fit, the loudest. Empty where nothing fits. */
  draw(width: number, color: boolean): { readonly text: string; readonly width: number } {
    const none = { text: '', width: 0 }
    if (this.#held.length === 0) return none
    // A meter has two brackets, a mark and a space before it.
    const cellsOf = (count: number): number => Math.min(MOST_CELLS, Math.floor(width / count) - 4)
    let shown = this.#held
    if (cellsOf(shown.length) < LEAST_CELLS) shown = [shown.reduce((one, other) => (other.now > one.now ? other : one))]
    const cells = cellsOf(shown.length)
    if (cells < LEAST_CELLS) return none
    const at = (level: number): number =>
      Math.round(cells * Math.min(1, Math.max(0, 1 - (20 * Math.log10(level)) / FLOOR)))
    const texts = shown.map(({ now, peak, clipped }) => {
      const [lit, top] = [at(now), Math.max(at(now), at(peak))]
      const bar = '='.repeat(lit).padEnd(cells)
      const marked = top > lit ? `${bar.slice(0, top - 1)}|${bar.slice(top)}` : bar
      return ` [${marked}]${clipped ? (color ? '\u001B[31m!\u001B[39m' : '!') : ' '}`
    })
    return { text: texts.join(''), width: texts.length * (cells + 4) }
  }
}

/** Where a run is and what there is of it, in frames. */
export interface Place {
  readonly at: number
  /** Undefined: not known. */
  readonly length: number | undefined
}

/** The status line of at most `width` letters: first the time, then what there is room for. */
export function statusLine(
  stream: Measured,
  { at, length, meters, width, color }: Place & { meters?: Meters; width: number; color: boolean },
): string {
  const { sampleRate, xruns, gaps, cpuLoad, paused } = stream
  const load = (cpuLoad * 100).toFixed(1)
  const lost = gaps.count + gaps.starvations
  const elapsed = clock(at / sampleRate)
  const total = length === undefined ? '' : ` / ${clock(length / sampleRate)}`
  const state = paused ? ' paused' : ''
  const counts = [` ${xruns} xruns, ${lost} gaps, ${load}% load`, ` ${xruns}x ${lost}g ${load}%`]
  // Each takes what the ones before have left; the time is always there.
  let room = width - elapsed.length - state.length
  const take = (...texts: string[]): string => {
    const text = texts.find((candidate) => candidate.length <= room) ?? ''
    room -= text.length
    return text
  }
  const short = take(...(width < 60 ? counts.slice(1) : counts))
  const ofTotal = width < 60 ? '' : take(total)
  // Half of what is left at least, and all of it where a bar would get too little.
  const shared = length !== undefined && room >= 2 * (LEAST_BAR + 3)
  const drawn = meters?.draw(shared ? Math.max(room - LEAST_BAR - 3, room / 2) : room, color) ?? { text: '', width: 0 }
  room -= drawn.width
  let bar = ''
  if (length !== undefined && room >= LEAST_BAR + 3) {
    const cells = Math.min(40, room - 3)
    const done = length === 0 ? cells : Math.min(cells, Math.floor((cells * at) / length))
    bar = ` [${`${'='.repeat(Math.max(0, done - 1))}${done > 0 ? '>' : ''}`.padEnd(cells, '-')}]`
  }
  return `${elapsed}${ofTotal}${state}${bar}${drawn.text}${short}`
}
