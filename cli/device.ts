import { UsageError } from './error.ts'

/** What a device's id begins with, on any system. */
export const HOSTS = ['alsa', 'jack', 'pulse', 'wasapi', 'coreaudio', 'virtual', 'null'] as const

/** The host that a name begins with, if it does. */
function hostOf(text: string): string | undefined {
  const word = text.split(':', 1)[0]?.toLowerCase()
  return HOSTS.find((host) => host === word)
}

/** A name that means a device of `host`. */
export function within(host: string, name: string): string {
  if (['', '^', 'default'].includes(name.toLowerCase())) return host
  const other = hostOf(name)
  if (other === undefined) return `${name} ${host}`
  if (other === host) return name
  throw new UsageError(`-D ${name} is no device of --host ${host}: leave out one of them`)
}
