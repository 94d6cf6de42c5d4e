import type { GapEvent, Stream } from '../ts/index.ts'

const INTERVAL_MS = 125
/** A source that is late in every block must not flood the terminal. */
const MOST_GAPS_TOLD = 20

const causes = {
  starved: 'the input was late',
  full: 'the output was too slow',
  xrun: 'the device dropped out',
} as const satisfies Record<GapEvent['cause'], string>

function clock(seconds: number): string {
  const hundredths = Math.floor(seconds * 100)
  const two = (value: number): string => String(value).padStart(2, '0')
  const [hours, minutes, rest] = [
    Math.floor(hundredths / 360_000),
    Math.floor(hundredths / 6000) % 60,
    hundredths % 6000,
  ]
  return `${two(hours)}:${two(minutes)}:${two(Math.floor(rest / 100))}.${two(rest % 100)}`
}

export function statusLine(stream: Pick<Stream, 'frameCount' | 'sampleRate' | 'xruns' | 'gaps' | 'cpuLoad'>): string {
  const { frames } = stream.gaps
  const lost = frames > 0 ? `, ${frames} frames lost` : ''
  const load = (stream.cpuLoad * 100).toFixed(1)
  return `${clock(stream.frameCount / stream.sampleRate)} (${stream.xruns} xruns${lost}, ${load}% load)`
}

/** What the user is told of a stream: the status line, above it what happens, and at last the report. */
export class Display {
  readonly #stream: Stream
  readonly #out: NodeJS.WriteStream
  readonly #timer: NodeJS.Timeout | undefined
  #gaps = 0

  /** Tells it on `out`; draws the status line there where that is a terminal. */
  constructor(stream: Stream, out: NodeJS.WriteStream) {
    this.#stream = stream
    this.#out = out
    this.#timer = out.isTTY ? setInterval(() => this.#draw(), INTERVAL_MS).unref() : undefined
    stream.on('gap', (gap) => this.#gap(gap))
  }

  #draw(): void {
    this.#out.write(`\r${statusLine(this.#stream)}\u001B[K`)
  }

  /** Tells `text` over the status line. */
  note(text: string): void {
    this.#out.write(this.#timer ? `\r\u001B[K${text}\n` : `${text}\n`)
    if (this.#timer) this.#draw()
  }

  #gap({ side, frame, length, cause }: GapEvent): void {
    if (this.#gaps++ > MOST_GAPS_TOLD) return
    const { sampleRate } = this.#stream
    const what = side === 'playback' ? 'of silence played' : 'not recorded'
    this.note(
      this.#gaps > MOST_GAPS_TOLD
        ? 'further gaps are only counted'
        : `gap at ${clock(frame / sampleRate)}: ` +
            `${length} frames (${(length / sampleRate).toFixed(2)} s) ${what}, ${causes[cause]}`,
    )
  }

  /** Writes the status line a last time, and the report. */
  end(): void {
    clearInterval(this.#timer)
    const { xrunCounts, gaps, frameCount } = this.#stream
    const { inputUnderflow, inputOverflow, outputUnderflow, outputOverflow } = xrunCounts
    const line = statusLine(this.#stream)
    const lines = [
      this.#timer ? `\r${line}\u001B[K` : line,
      `frames processed: ${frameCount}`,
      `xruns: ${inputUnderflow} input underflow, ${inputOverflow} input overflow, ` +
        `${outputUnderflow} output underflow, ${outputOverflow} output overflow`,
      `gaps: ${gaps.starvations} in the playback (${gaps.starved} frames), ` +
        `${gaps.count} in the recording (${gaps.frames} frames)`,
      '',
    ]
    this.#out.write(lines.join('\n'))
  }
}
