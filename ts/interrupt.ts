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
