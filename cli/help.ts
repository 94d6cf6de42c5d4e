import { flags, type Flag } from './flags.ts'

const WIDTH = 80
const INDENT = 24

function wrap(text: string, width: number): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? ''
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines
}

function synopsis(flag: Flag): string {
  const names = flag.names.join(', ')
  const indented = flag.names[0]?.startsWith('--') ? `    ${names}` : names
  switch (flag.arity) {
    case 'none':
      return indented
    case 'optional':
      return `${indented} [${flag.value}]`
    default:
      return `${indented} ${flag.value}`
  }
}

function describe(flag: Flag): string {
  const head = `  ${synopsis(flag)}`
  const body = wrap(flag.help, WIDTH - INDENT).map((line) => ' '.repeat(INDENT) + line)
  // A head that leaves no room stands on a line of its own.
  if (head.length > INDENT - 2) return [head, ...body].join('\n')
  return [head.padEnd(INDENT) + (body[0] ?? '').trimStart(), ...body.slice(1)].join('\n')
}

export function help(): string {
  return `Usage: pastream-rs [options] input|NULL [output|NULL]

Plays input, records to output, or both at once. null, ^ or '' is none; - is
stdin or stdout.

Options:
${Object.values<Flag>(flags).map(describe).join('\n')}

T is [[hours:]minutes:]seconds[.fraction], or samples with an s: 1:30, 0.5,
48000s. Numbers take k (1000), K (1024), m (1000000) and M (1048576). Pairs are
playback,record, where null or ^ keeps the default.

Exit status: 0 done, also after a first INT, TERM or HUP, which finish the file;
1 failed; 2 wrong usage; 3 xruns under --fatal-xruns; 128+n cut short by a
second signal, n being its number.

Examples:
  pastream-rs speech.wav                    play a file
  pastream-rs -d 10 -c 2 -r 48k null a.wav  record ten seconds
  pastream-rs -p 1 sweep.wav room.wav       play, and record one second more
`
}
