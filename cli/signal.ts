import { closeSync, openSync } from 'node:fs'
import { constants } from 'node:os'
import { isatty } from 'node:tty'

// Node takes USR1 for a wish to debug, and the system for one to end.
process.on('SIGUSR1', () => {})

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** One wish to end may come as several signals: `timeout` tells a process, and then its group. */
const SAME_WISH_MS = 100

/** Calls `stop` at the first signal; a later one ends the process at once. */
export function onSignal(stop: (signal: string) => void): void {
  let first: number | undefined
  const handle = (signal: (typeof SIGNALS)[number]): void => {
    const now = performance.now()
    if (first === undefined) stop(signal)
    else if (now - first > SAME_WISH_MS) process.exit(128 + constants.signals[signal])
    first ??= now
  }
  for (const signal of SIGNALS) process.on(signal, handle)
}

/** Has the process end in order where its terminal is gone by then: Node aborts where it can't set that back. */
export function outliveTerminal(): void {
  const terminals = [0, 1, 2].filter((fd) => isatty(fd))
  process.on('exit', () => {
    for (const fd of terminals.filter((terminal) => !isatty(terminal))) {
      closeSync(fd)
      // The lowest number that is free.
      openSync('/dev/null', 'r+')
    }
  })
}

/** Calls `next` at each USR1. Answers what ends that. */
export function onNext(next: () => void): () => void {
  process.on('SIGUSR1', next)
  return () => void process.off('SIGUSR1', next)
}
