import { flags, GROUPS, type Flag } from './flags.ts'

const WIDTH = 80
const INDENT = 24

export const SYNOPSIS = 'pastream-rs [options] input|NULL [output|NULL]'

export const ABOUT =
  "Plays input, records to output, or both at once. null, ^ or '' is none; - is stdin or stdout. " +
  '@FILE stands for the arguments in FILE, quoted and commented as in a shell.'

export const VALUES =
  'T is [[hours:]minutes:]seconds[.fraction], or samples with an s, or a sum or difference of these: 1:30, 0.5, 48000s, ' +
  '0:12+10s. Numbers take k (1000), K (1024), m (1000000) and M (1048576). Pairs are playback,record, where null, ^ or nothing ' +
  'keeps the default.'

export const KEYS: readonly (readonly [string, string])[] = [
  ['space', 'pause and go on'],
  ['left, right', 'play the input from 5 seconds earlier or later'],
  ['down, up', 'play the input from a minute earlier or later'],
  ['n', 'begin the next file of --split, or the recording of --preroll, as USR1 does'],
  ['q', 'finish'],
]

export const STATUSES: readonly (readonly [string, string])[] = [
  ['0', 'done, also after a first INT, TERM or HUP, which finish the file'],
  ['1', 'failed; also an output that its reader left before its end'],
  ['2', 'wrong usage'],
  ['3', 'xruns under --fatal-xruns'],
  ['128+n', 'cut short by a second signal, n being its number'],
]

export const EXAMPLES: readonly (readonly [string, string])[] = [
  ['pastream-rs speech.wav', 'play a file'],
  ['pastream-rs -d 10 -c 2 -r 48k null a.wav', 'record ten seconds'],
  ['pastream-rs -p 1 sweep.wav room.wav', 'play, and record one second more'],
  ['pastream-rs -c1 -r48k -e=pcm_16 talk.raw', 'play a RAW file'],
  ['sox -n -t au - synth 3 sine 440 | pastream-rs - a.wav', 'play and record a pipe'],
  ['pastream-rs -d 1:00 --split 10 null take-%H%M%S.wav', 'record a minute into files of ten seconds'],
  ['pastream-rs --repair a.wav', 'mend a recording that was cut off'],
  ['pastream-rs -D virtual a.wav b.wav', 'without a sound card'],
]

export function wrap(text: string, width: number): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? ''
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines
}

/** The names of a flag, and the value that it takes. */
export function synopsis(flag: Flag): string {
  const names = flag.names.join(', ')
  if (flag.arity === 'none') return names
  return flag.arity === 'optional' ? `${names} [${flag.value}]` : `${names} ${flag.value}`
}

/** The flags of each group that has some, in the order of the groups. */
export function grouped(): (readonly [title: string, flags: Flag[]])[] {
  return Object.entries(GROUPS).map(([group, title]) => [
    title,
    Object.values<Flag>(flags).filter((flag) => flag.group === group),
  ])
}

/** A head, and beside it what it is. */
function entry(head: string, text: string, indent = INDENT): string {
  const body = wrap(text, WIDTH - indent).map((line) => ' '.repeat(indent) + line)
  // A head that leaves no room stands on a line of its own.
  if (head.length > indent - 2) return [head, ...body].join('\n')
  return [head.padEnd(indent) + (body[0] ?? '').trimStart(), ...body.slice(1)].join('\n')
}

function describe(flag: Flag): string {
  return entry(`  ${flag.names[0]?.startsWith('--') ? '    ' : ''}${synopsis(flag)}`, flag.help)
}

function list(rows: readonly (readonly [string, string])[]): string {
  const indent = Math.max(...rows.map(([head]) => head.length)) + 4
  return rows.map(([head, text]) => entry(`  ${head}`, text, indent)).join('\n')
}

/** `--help`. */
export function help(): string {
  const options = grouped().map(([title, all]) => `${title}:\n${all.map(describe).join('\n')}`)
  return `Usage: ${SYNOPSIS}

${wrap(ABOUT, WIDTH).join('\n')}

${options.join('\n\n')}

${wrap(VALUES, WIDTH).join('\n')}

Keys, on a terminal:
${list(KEYS)}

Exit status:
${list(STATUSES)}

Examples:
${EXAMPLES.map(([line, what]) => `  ${line}\n      ${what}`).join('\n')}
`
}

/** `-h`: the names alone. */
export function usage(): string {
  const options = grouped().map(([title, all]) =>
    entry(
      `${title}:`,
      all.map((flag) => synopsis(flag).replace(', ', '|').replaceAll(' ', '\u00A0')).join(', '),
      4,
    ).replaceAll('\u00A0', ' '),
  )
  return `Usage: ${SYNOPSIS}

${options.join('\n')}

pastream-rs --help tells what they do, man pastream-rs and docs/cli.md more.
`
}
