import { UsageError } from './error.ts'

/** What a device's id begins with, on any system. */
export const HOSTS = ['alsa', 'jack', 'pulse', 'wasapi', 'coreaudio', 'virtual', 'null'] as const

/** The host that a name begins with, if it does. */
function hostOf(text: string): string | undefined {
  const word = text.trim().split(':', 1)[0]?.toLowerCase()
  return HOSTS.find((host) => host === word)
}

/** The one or two devices that a value of `-D` names: an id may hold commas itself. */
function split(value: string, ids: readonly string[]): string[] {
  if (ids.includes(value)) return [value]
  const commas = [...value.matchAll(/,/g)].map(({ index }) => index)
  const at = hostOf(value) ? commas.find((comma) => hostOf(value.slice(comma + 1))) : commas[0]
  return at === undefined ? [value] : [value.slice(0, at), value.slice(at + 1)]
}

/** A name that means a device of `host`. */
function within(host: string, name: string | undefined): string {
  if (name === undefined || name.trim().toLowerCase() === 'default') return host
  const other = hostOf(name)
  if (other === undefined) return `${name} ${host}`
  if (other === host) return name
  throw new UsageError(`-D ${name} is no device of --host ${host}: leave out one of them`)
}

/** Playback's device and the recording's, from `-D A,B` or `-D A -D B`; undefined: the default. `ids`: what is listed. */
export function pairOfDevices(
  given: readonly string[],
  ids: readonly string[],
  host?: string,
): readonly [string | undefined, string | undefined] {
  const names = given.length === 1 ? split(given[0] ?? '', ids) : given
  const [playback, recording = playback] = names.map((name) => (name === '' || name === '^' ? undefined : name))
  return host === undefined ? [playback, recording] : [within(host, playback), within(host, recording)]
}
