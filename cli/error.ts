/** The command was called wrongly: exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** There were xruns where none may be: exit status 3. */
export class XrunError extends Error {
  override readonly name = 'XrunError'

  constructor(xruns: number, device: string) {
    const advice = device.startsWith('jack') ? 'a longer period of the JACK server (jackd -p)' : 'a larger --blocksize'
    super(`ended by --fatal-xruns after ${xruns} xruns: try ${advice}`)
  }
}

/** Whether a pipe was closed by who reads it. */
export function isBrokenPipe(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return ('code' in error && error.code === 'EPIPE') || isBrokenPipe(error.cause)
}
