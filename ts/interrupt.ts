import { setImmediate } from 'node:timers/promises'

/** The longest time of a timer. */
export const FOR_EVER = 2 ** 31 - 1

/** What can be waited for. */
export interface Interruptible {
  /** Rejects with its reason when it aborts. */
  readonly signal?: AbortSignal | undefined
}

/** Waits for `work`, or until `signal` aborts; `cancel` then tells who works. */
export async function interrupt<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
  cancel = (): void => {},
): Promise<T> {
  if (!signal) return work
  let abort = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    abort = () => {
      cancel()
      reject(signal.reason)
    }
  })
  signal.addEventListener('abort', abort)
  if (signal.aborted) abort()
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
    // What comes of it now, nobody asks for.
    work.catch(() => {})
  }
}

/** How long a loop that never waits may keep everything else of its thread waiting. */
const TURN_MS = 10
let turned = 0

/** Lets timers and events have their turn, in a loop that may never have to wait. */
export async function turn(): Promise<void> {
  if (performance.now() - turned < TURN_MS) return
  await setImmediate()
  turned = performance.now()
}
