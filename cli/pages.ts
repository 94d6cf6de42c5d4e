import { flags, type Flag } from './flags.ts'
import { ABOUT, EXAMPLES, grouped, KEYS, STATUSES, synopsis, SYNOPSIS, VALUES } from './help.ts'

/** What --json tells, event by event: the name of each, and what it holds. */
const EVENTS: readonly (readonly [string, string, string])[] = [
  [
    'start',
    'device, sampleRate, channels, format, blockSize, latency, input, output, conversion, length',
    'once, before the first frame. input: file, container, encoding, codec, channels, sampleRate, frames, missing, format, tags; null: none. ' +
      'channels, format and latency are [playback, recording] where those differ; length is in frames, null where it is not known; conversion: what is changed between files and stream, as stream.conversion tells it',
  ],
  [
    'progress',
    'frames, seconds, position, paused, xruns, gaps, load, levels',
    'eight times a second. position: the frame of the input that is played next, or null; gaps: count and frames of the recording, ' +
      'starvations and starved (frames) of the playback; load: 0 to 1; levels (with --meter): playback and recording, a list of ' +
      '{peak, rms} each, 1 being full scale',
  ],
  ['xrun', 'frame, kinds', 'a block with xruns. kinds: inputUnderflow, inputOverflow, outputUnderflow, outputOverflow'],
  ['gap', 'side, frame, length, cause', 'frames that were lost. side: playback, recording; cause: starved, full, xrun'],
  [
    'file',
    'file, frame, frames, bytes, complete',
    'a file is finished, or can not be: complete. frame: of the recording, with which it begins',
  ],
  ['note', 'text', 'what a person would be told: a signal, an input that is cut off'],
  [
    'end',
    'outcome, frames, seconds, played, xruns, xrunCounts, gaps, eventsLost, levels, files',
    'once, when everything is written. outcome: finished, stopped, aborted, bufferEmpty, bufferFull, deviceLost, or null; levels: of the ' +
      'whole run, without --meter off; files: file, frame, frames, bytes, complete each',
  ],
  [
    'error',
    'status, code, message',
    'the last line of a command that failed. status: the exit status; code: the error of the library, where it is one',
  ],
]

const RULES: readonly string[] = [
  'Options and files come in any order; -- ends the options. A short option may be joined with its value (-d10, -e=pcm_16) and with others ' +
    '(-ql), a long one takes it after = or a space. An option that is given again counts the last time, but -D and -m; each NAME of --tag is one of its own.',
  'A -D value that is the id of a device, or that begins with a host and names no second one, is one device whatever commas it holds; else ' +
    'a comma parts the playback from the recording.',
  'A number as a -D value is the one that -l shows; it may be another once a device comes or goes, which an id never is. A device whose name is a ' +
    'number is found by its id.',
  'USR1 is for --preroll and --split, and else does nothing. In the first moments, before Node has read the command, it ends the process, or has ' +
    'Node open its debugger: wait for the first line, or the event start.',
  'What goes wrong before the first frame leaves every file as it was. A file that is recorded is valid at every moment.',
  'On a terminal a line tells the time, the length, levels with their highest held and ! where one was clipped (the recording where there is ' +
    'one), xruns, gaps and load, eight times a second. NO_COLOR keeps colors off, TERM=dumb all escapes too. On a pipe there is no such line, and with --quiet nothing at all.',
]

/** Text as roff takes it. */
function roff(text: string): string {
  return text
    .replaceAll('\\', String.raw`\e`)
    .replaceAll('-', String.raw`\-`)
    .replaceAll(/^(['.])/gm, String.raw`\&$1`)
}

function term(head: string, text: string): string {
  return `.TP\n.B ${roff(head)}\n${roff(text)}\n`
}

/** The man page, `pastream-rs.1`. */
export function manual(version: string): string {
  const options = grouped().map(
    ([title, all]) => `.SS ${roff(title)}\n${all.map((flag) => term(synopsis(flag), flag.help)).join('')}`,
  )
  return `.TH PASTREAM\\-RS 1 "" "pastream\\-rs ${roff(version)}" "User commands"
.SH NAME
pastream\\-rs \\- play and record audio, one or both at once
.SH SYNOPSIS
.B ${roff(SYNOPSIS)}
.SH DESCRIPTION
${roff(ABOUT)}
${RULES.map((rule) => `.PP\n${roff(rule)}\n`).join('')}.SH OPTIONS
${options.join('')}.PP
${roff(VALUES)}
.SH KEYS
On a terminal, where the input is not stdin:
${KEYS.map(([key, what]) => term(key, what)).join('')}.SH EVENTS
${roff('With --json each line on stderr is an object whose event is one of these:')}
${EVENTS.map(([name, fields, what]) => term(name, `${fields}: ${what}`)).join('')}.SH EXIT STATUS
${STATUSES.map(([status, what]) => term(status, what)).join('')}.SH EXAMPLES
${EXAMPLES.map(([line, what]) => term(line, what)).join('')}`
}

function cell(text: string): string {
  return text.replaceAll('|', String.raw`\|`).replaceAll(/[<*]/g, String.raw`\$&`)
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |\n`
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  return [heads, heads.map(() => '---'), ...rows].map(row).join('')
}

/** docs/cli.md. */
export function markdown(): string {
  const options = grouped().map(
    ([title, all]) =>
      `### ${title}\n\n${table(
        ['option', 'meaning', 'values'],
        all.map((flag: Flag) => [
          `\`${synopsis(flag).replaceAll('|', String.raw`\|`)}\``,
          cell(flag.help),
          flag.arity === 'none' ? '' : cell(flag.kind.allowed),
        ]),
      )}`,
  )
  return `# The command

<!-- Made by \`npm run build\` from cli/flags.ts, cli/help.ts and cli/pages.ts. -->

\`\`\`
${SYNOPSIS}
\`\`\`

${ABOUT}

${RULES.join('\n\n')}

## Options

${options.join('\n')}
${VALUES}

${Object.keys(flags).length} options in all. \`pastream-rs --completions bash\` (zsh, fish) prints completions for a shell, as in
\`source <(pastream-rs --completions bash)\`; the package has a man page.

## On a terminal

[What it looks like](cli-terminal.md). Keys, where the input is not stdin:

${table(['key', ''], KEYS)}
## Events

With \`--json\` each line on stderr is an object; \`event\` is one of

${table(
  ['event', 'holds', 'when, and what it means'],
  EVENTS.map(([name, fields, what]) => [`\`${name}\``, `\`${fields.replaceAll(', ', '`, `')}\``, cell(what)]),
)}
Events and fields may be added. What is wrong in the options themselves is told as text.

## Exit status

${table(['status', ''], STATUSES)}
## Examples

\`\`\`sh
${EXAMPLES.map(([line, what]) => `${line.padEnd(52)} # ${what}`).join('\n')}
\`\`\`
`
}
