import { PastreamError, type ErrorCode } from './error.ts'
import type * as Binding from './binding/binding.js'

function load(): typeof Binding {
  try {
    // Bundled to CommonJS, where this is the plain `require`; the loader stays beside the bundle.
    return require('./binding/binding.cjs') as typeof Binding
  } catch (cause) {
    const { platform, arch, version } = process
    throw new PastreamError(
      'ERR_PASTREAM_HOST_UNAVAILABLE',
      `pastream-rs has no binary that loads on ${platform} ${arch} with Node ${version}: build one with Rust (\`npm run build\` in its folder)`,
      { cause },
    )
  }
}

/** The generated binding. Nothing else imports it. */
export const native = load()

/** Passes on what a synchronous call of the binding throws, as our error. */
export function call<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (code.startsWith('ERR_PASTREAM_')) throw new PastreamError(code as ErrorCode, (error as Error).message)
    throw new PastreamError('ERR_PASTREAM_INVALID_ARGUMENT', (error as Error).message, { cause: error })
  }
}

/** A failure that the binding told, as our error. */
export function failure({ code, message, cause, causeCode }: Binding.Failure): PastreamError {
  const reason = cause && Object.assign(new Error(cause), causeCode && { code: causeCode })
  return new PastreamError(code as ErrorCode, message, reason ? { cause: reason } : undefined)
}

async function settled(work: () => Promise<Binding.Settled>): Promise<Binding.Settled> {
  const done = await call(work)
  if (done.failure) throw failure(done.failure)
  return done
}

/** Waits for a call of the binding that makes something. */
export async function made<T extends object>(work: () => Promise<T | Binding.Failure>): Promise<T> {
  const done = await call(work)
  if ('code' in done) throw failure(done)
  return done
}

/** Waits for a call of the binding that takes its time. */
export async function settle(work: () => Promise<Binding.Settled>): Promise<void> {
  await settled(work)
}

/** Waits for a call of the binding that reads; answers its bytes. */
export async function settleBytes(work: () => Promise<Binding.Settled>): Promise<Uint8Array> {
  return (await settled(work)).bytes ?? new Uint8Array()
}
