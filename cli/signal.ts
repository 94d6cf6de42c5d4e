import { constants } from 'node:os'

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

/** Calls `next` at each USR1, which Node would take for a wish to debug. Answers what ends that. */
export function onNext(next: () => void): () => void {
  process.on('SIGUSR1', next)
  return () => void process.off('SIGUSR1', next)
}
