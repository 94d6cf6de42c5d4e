import type { Stream } from '../ts/index.ts'

const INTERVAL_MS = 125

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

export function statusLine(stream: Pick<Stream, 'frameCount' | 'sampleRate' | 'xruns' | 'cpuLoad'>): string {
  const load = (stream.cpuLoad * 100).toFixed(1)
  return `${clock(stream.frameCount / stream.sampleRate)} (${stream.xruns} xruns, ${load}% load)`
}

/** Redraws the status line on a terminal, and writes it a last time when the answered function is called. */
export function watch(stream: Stream, out: NodeJS.WriteStream): () => void {
  const line = (): string => statusLine(stream)
  if (!out.isTTY) return () => void out.write(`${line()}\n`)
  const draw = (): void => void out.write(`\r${line()}\u001B[K`)
  const timer = setInterval(draw, INTERVAL_MS)
  timer.unref()
  return () => {
    clearInterval(timer)
    draw()
    out.write('\n')
  }
}

/** What happened, once the stream has ended. */
export function report(stream: Stream): string {
  const { inputUnderflow, inputOverflow, outputUnderflow, outputOverflow } = stream.xrunCounts
  return [
    `frames processed: ${stream.frameCount}`,
    `xruns: ${inputUnderflow} input underflow, ${inputOverflow} input overflow, ` +
      `${outputUnderflow} output underflow, ${outputOverflow} output overflow`,
    `gaps: ${stream.gaps.count} (${stream.gaps.frames} frames)`,
    '',
  ].join('\n')
}
