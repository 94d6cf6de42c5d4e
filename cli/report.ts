import { statSync } from 'node:fs'
import type { FileInfo, GapEvent, Level, Outcome, Stream, WrittenFile } from '../ts/index.ts'
import { clock, decibels, Meters, statusLine, type Place } from './status.ts'

const INTERVAL_MS = 125
/** Of the highest level, in looks. */
const HOLD = 12
/** A source that is late in every block must not flood the terminal. */
const MOST_GAPS_TOLD = 20

const causes = {
  starved: 'the input was late',
  full: 'the output was too slow',
  xrun: 'the device dropped out',
} as const satisfies Record<GapEvent['cause'], string>

/** What a run is, for whoever tells of it. */
export interface Subject {
  readonly stream: Stream
  /** Undefined: none. */
  readonly input: { readonly name: string; readonly info: FileInfo } | undefined
  readonly output: string | undefined
  /** In frames, where that is known beforehand. */
  readonly length: number | undefined
  /** Whether that is the input's, in which it may be sought. */
  readonly whole: boolean
  /** Whether levels are measured. */
  readonly levels: boolean
  /** Whether they are shown while it runs. */
  readonly meter: boolean
}

/** Tells of a run. */
export interface Report {
  /** The run is about to begin. */
  start(): void
  note(text: string): void
  /** It is over. */
  end(outcome: Outcome | undefined): void
}

/** The size of a file that was written; undefined of a pipe. */
function sizeOf({ path }: WrittenFile): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size
}

/** What is done to the input on its way. */
function fitted({ playback }: Stream['conversion']): string {
  if (!playback) return ''
  const { file, stream, quality, gain } = playback
  return (
    (file.sampleRate === stream.sampleRate ? '' : `, resampled to ${stream.sampleRate} Hz (${quality})`) +
    (file.channels === stream.channels ? '' : `, as ${stream.channels} ch`) +
    (gain === 0 ? '' : `, ${gain > 0 ? '+' : ''}${gain} dB`)
  )
}

function list(value: unknown): string {
  return Array.isArray(value) ? value.join('/') : String(value)
}

/** Where a run is: within the input, where that says how long it is, and then in what is padded; gaps are not of it. */
function place({ stream, input, length, whole }: Subject): Place {
  const { frameCount, played, position = played, gaps } = stream
  return { at: whole && input ? frameCount - played - gaps.starved + position : frameCount, length }
}

/** Tells a person: the status line on a terminal, above it what happens, and at last a summary. */
export class Text implements Report {
  readonly #subject: Subject
  readonly #out: NodeJS.WriteStream
  readonly #color: boolean
  readonly #plain: boolean
  readonly #meters = new Meters(HOLD)
  #timer: NodeJS.Timeout | undefined
  #drawn = 0
  #gaps = 0

  constructor(subject: Subject, out: NodeJS.WriteStream, { NO_COLOR, TERM }: NodeJS.ProcessEnv) {
    this.#subject = subject
    this.#out = out
    this.#plain = TERM === 'dumb'
    this.#color = !NO_COLOR && !this.#plain
    subject.stream.on('gap', (gap) => this.#gap(gap))
  }

  start(): void {
    const { stream, input, output } = this.#subject
    // Measured from the first look on.
    if (this.#subject.levels) void stream.levels
    const info = input?.info
    const played = info
      ? `: ${info.container}, ${info.codec ? `${info.codec} as ` : ''}${info.encoding}, ${info.sampleRate} Hz, ${info.channels} ch` +
        (info.frames === undefined ? '' : `, ${(info.frames / info.sampleRate).toFixed(2)} s`) +
        fitted(stream.conversion) +
        (info.missing > 0 ? `, cut off: ${info.missing} frames of its header are missing` : '')
      : ''
    const lines = [
      `<- ${input?.name ?? 'null'}${played}`,
      `-- ${stream.device}: ${list(stream.format)}, ${stream.sampleRate} Hz, ${list(stream.channels)} ch`,
      `-> ${output ?? 'null'}`,
      '',
    ]
    this.#out.write(lines.join('\n'))
    if (!this.#out.isTTY) return
    this.#timer = setInterval(() => this.#look(), INTERVAL_MS).unref()
    this.#out.on('resize', this.#resized)
  }

  readonly #resized = (): void => {
    // What was drawn for another width may have been wrapped: it is left, and a new line begun.
    if (this.#drawn >= this.#out.columns) this.#out.write('\n')
    this.#draw()
  }

  /** Goes back to the start of the line, which it clears. */
  #clear(): string {
    const wiped = this.#plain ? `\r${' '.repeat(this.#drawn)}\r` : '\r\u001B[K'
    this.#drawn = 0
    return wiped
  }

  #look(): void {
    if (this.#subject.meter) {
      const { recording, playback } = this.#subject.stream.levels
      this.#meters.look(recording.length > 0 ? recording : playback)
    }
    this.#draw()
  }

  #draw(): void {
    // The last column stays free: what is written there makes some terminals begin a line.
    const width = Math.max((this.#out.columns || 80) - 1, 0)
    const line = statusLine(this.#subject.stream, {
      ...place(this.#subject),
      meters: this.#meters,
      width,
      color: this.#color,
    })
    const cleared = this.#clear()
    // oxlint-disable-next-line no-control-regex -- the colors take no room
    this.#drawn = line.replaceAll(/\u001B\[\d+m/g, '').length
    this.#out.write(cleared + line)
  }

  note(text: string): void {
    this.#out.write(this.#timer ? `${this.#clear()}${text}\n` : `${text}\n`)
    if (this.#timer) this.#draw()
  }

  #gap({ side, frame, length, cause }: GapEvent): void {
    if (this.#gaps++ > MOST_GAPS_TOLD) return
    const { sampleRate } = this.#subject.stream
    const what = side === 'playback' ? 'of silence played' : 'not recorded'
    this.note(
      this.#gaps > MOST_GAPS_TOLD
        ? 'further gaps are only counted'
        : `gap at ${clock(frame / sampleRate)}: ` +
            `${length} frames (${(length / sampleRate).toFixed(2)} s) ${what}, ${causes[cause]}`,
    )
  }

  end(): void {
    const { stream, levels } = this.#subject
    const { xrunCounts, gaps, frameCount, sampleRate } = stream
    if (this.#timer) {
      clearInterval(this.#timer)
      this.#out.off('resize', this.#resized)
      this.#draw()
      this.#out.write('\n')
    }
    const { inputUnderflow, inputOverflow, outputUnderflow, outputOverflow } = xrunCounts
    const level = (side: string, channels: readonly Level[]): string[] => {
      if (channels.length === 0) return []
      const all = (of: (level: Level) => number): string => channels.map((channel) => decibels(of(channel))).join(' ')
      return [`level of the ${side}: peak ${all(({ highest }) => highest)}, RMS ${all(({ overall }) => overall)} dBFS`]
    }
    const measured = levels ? stream.levels : { playback: [], recording: [] }
    const lines = [
      `duration: ${clock(frameCount / sampleRate)}`,
      `frames processed: ${frameCount}`,
      `xruns: ${inputUnderflow} input underflow, ${inputOverflow} input overflow, ` +
        `${outputUnderflow} output underflow, ${outputOverflow} output overflow`,
      `gaps: ${gaps.starvations} in the playback (${gaps.starved} frames), ` +
        `${gaps.count} in the recording (${gaps.frames} frames)`,
      ...level('playback', measured.playback),
      ...level('recording', measured.recording),
    ]
    for (const file of stream.files) {
      const bytes = sizeOf(file)
      lines.push(
        `${file.complete ? 'written' : 'not complete'}: ${file.path} (${file.frames} frames${bytes === undefined ? '' : `, ${bytes} bytes`})`,
      )
    }
    this.#out.write(`${lines.join('\n')}\n`)
  }
}

function fileEvent(file: WrittenFile): object {
  const { path, frame, frames, complete } = file
  return { file: path, frame, frames, bytes: sizeOf(file), complete }
}

/** One event, a line of JSON. */
export function event(out: NodeJS.WritableStream, name: string, data: object): void {
  out.write(`${JSON.stringify({ event: name, ...data })}\n`)
}

/** Tells a program: NDJSON, of which docs/cli.md has the schema. */
export class Events implements Report {
  readonly #subject: Subject
  readonly #out: NodeJS.WritableStream
  #timer: NodeJS.Timeout | undefined

  constructor(subject: Subject, out: NodeJS.WritableStream) {
    this.#subject = subject
    this.#out = out
    subject.stream.on('gap', (gap) => event(out, 'gap', gap))
    subject.stream.on('xrun', (xrun) => event(out, 'xrun', xrun))
    subject.stream.on('file', (file) => event(out, 'file', fileEvent(file)))
  }

  start(): void {
    const { stream, input, output, length, levels } = this.#subject
    if (levels) void stream.levels
    const { device, sampleRate, channels, format, blockSize, latency } = stream
    event(this.#out, 'start', {
      device,
      sampleRate,
      channels,
      format,
      blockSize,
      latency,
      input: input ? { file: input.name, ...input.info } : null,
      output: output ?? null,
      conversion: stream.conversion,
      length: length ?? null,
    })
    this.#timer = setInterval(() => this.#progress(), INTERVAL_MS).unref()
  }

  #progress(): void {
    const { stream, meter } = this.#subject
    const { frameCount: frames, sampleRate, paused, position, xruns, gaps, cpuLoad: load } = stream
    const levels = (channels: readonly Level[]): object => channels.map(({ peak, rms }) => ({ peak, rms }))
    const measured = meter ? stream.levels : undefined
    event(this.#out, 'progress', {
      frames,
      seconds: frames / sampleRate,
      position: position ?? null,
      paused,
      xruns,
      gaps,
      load,
      ...(measured && { levels: { playback: levels(measured.playback), recording: levels(measured.recording) } }),
    })
  }

  note(text: string): void {
    event(this.#out, 'note', { text })
  }

  end(outcome: Outcome | undefined): void {
    clearInterval(this.#timer)
    const { stream, levels } = this.#subject
    const { frameCount: frames, sampleRate, played, xruns, xrunCounts, gaps, eventsLost } = stream
    const overall = (channels: readonly Level[]): object =>
      channels.map(({ highest, overall: rms }) => ({ peak: highest, rms }))
    const measured = levels ? stream.levels : undefined
    event(this.#out, 'end', {
      outcome: outcome ?? null,
      frames,
      seconds: frames / sampleRate,
      played,
      xruns,
      xrunCounts,
      gaps,
      eventsLost,
      ...(measured && { levels: { playback: overall(measured.playback), recording: overall(measured.recording) } }),
      files: stream.files.map(fileEvent),
    })
  }
}
