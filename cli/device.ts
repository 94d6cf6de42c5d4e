/** What a device's id begins with, on any system. */
const HOSTS = new Set(['alsa', 'jack', 'pulse', 'wasapi', 'coreaudio', 'virtual', 'null'])

function beginsWithHost(text: string): boolean {
  return HOSTS.has(text.trim().split(':', 1)[0]?.toLowerCase() ?? '')
}

/** The one or two devices that a value of `-D` names: an id may hold commas itself. */
function split(value: string, ids: readonly string[]): string[] {
  if (ids.includes(value)) return [value]
  const commas = [...value.matchAll(/,/g)].map(({ index }) => index)
  const at = beginsWithHost(value) ? commas.find((comma) => beginsWithHost(value.slice(comma + 1))) : commas[0]
  return at === undefined ? [value] : [value.slice(0, at), value.slice(at + 1)]
}

/** Playback's device and the recording's, from `-D A,B` or `-D A -D B`; undefined: the default. `ids`: what is listed. */
export function pairOfDevices(given: readonly string[], ids: readonly string[]): (string | undefined)[] {
  const names = given.length === 1 ? split(given[0] ?? '', ids) : given
  return names.map((name) => (name === '' || name === '^' ? undefined : name))
}
