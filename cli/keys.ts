import { readFileSync } from 'node:fs'
import type { ReadStream } from 'node:tty'
import type { Stream } from '../ts/index.ts'

const STEPS: Readonly<Record<string, number>> = {
  '\u001B[D': -5,
  '\u001B[C': 5,
  '\u001B[B': -60,
  '\u001B[A': 60,
}

/** Whether the terminal is this process's: one in the background is stopped where it touches it. */
function inForeground(): boolean {
  try {
    // After the name, which may hold anything: state, parent, process group, session, terminal, and the terminal's group.
    const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)?.split(' ') ?? []
    return fields[2] === fields[5]
  } catch {
    return true
  }
}

/**
 * Does what the keys say that are pressed at `terminal`: space pauses, q stops, n begins what is next, arrows seek where the input can be
 * sought. Answers what ends that.
 */
export function onKeys(
  terminal: ReadStream,
  stream: Stream,
  seekable: boolean,
  { stop, next, note }: { stop: () => void; next: (() => void) | undefined; note: (text: string) => void },
): () => void {
  if (!inForeground()) return () => {}
  /** Where the last key goes to, until it is there: the next one goes on from it. */
  let target: number | undefined
  const seek = async (seconds: number): Promise<void> => {
    if (!seekable) return
    const frame = Math.max(0, (target ?? stream.position ?? 0) + seconds * stream.sampleRate)
    target = frame
    await stream.seek(frame).catch((error: unknown) => note(error instanceof Error ? error.message : String(error)))
    if (target === frame) target = undefined
  }
  const press = (data: Buffer): void => {
    // With O in the modes that some programs leave on.
    // oxlint-disable-next-line no-control-regex -- it is what keys send
    for (const key of data.toString('latin1').match(/\u001B[[O][A-D]|[^]/g) ?? []) {
      const step = STEPS[key.replace('\u001BO', '\u001B[')]
      if (step !== undefined) void seek(step)
      else if (key === ' ') {
        if (stream.paused) stream.resume()
        else stream.pause()
      } else if (key === 'q') stop()
      else if (key === 'n') next?.()
      // The terminal makes no signals of its keys any more.
      else if (key === '\u0003') process.kill(process.pid, 'SIGINT')
      else if (key === '\u001A') {
        terminal.setRawMode(false)
        process.kill(process.pid, 'SIGTSTP')
      }
    }
  }
  const back = (): void => void (inForeground() && terminal.setRawMode(true))
  terminal.setRawMode(true)
  terminal.on('data', press)
  // One that is gone presses no more keys.
  terminal.on('error', () => {})
  process.on('SIGCONT', back)
  return () => {
    process.off('SIGCONT', back)
    terminal.off('data', press)
    terminal.setRawMode(false)
    terminal.pause()
  }
}
