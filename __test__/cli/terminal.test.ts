import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { watch } from 'node:fs/promises'
import test, { type ExecutionContext } from 'ava'
import { Meters, statusLine } from '../../cli/status.ts'
import { folder, same } from '../support.ts'
import { COMMAND, grown, needing, pastream, ramp, RATE, readWav, tool, wav } from './support.ts'

/** The command in a terminal of tmux. */
class Terminal {
  readonly #cwd: string
  readonly #socket: string

  constructor(t: ExecutionContext, cwd: string, columns: number, args: string, env = '') {
    this.#cwd = cwd
    this.#socket = `${cwd}/tmux`
    t.teardown(() => this.#tmux('kill-server'))
    writeFileSync(`${cwd}/told`, '')
    // The shell waits until all it writes is told to the file that is watched.
    const run = `read go; ${env} '${process.execPath}' '${COMMAND}' ${args}; echo "status $?"; read end`
    this.#tmux('new-session', '-d', '-x', String(columns), '-y', '20', run)
    this.#tmux('pipe-pane', `cat > '${cwd}/told'`)
    this.#tmux('send-keys', 'Enter')
  }

  #tmux(...args: string[]): string {
    return tool(this.#cwd, 'tmux', '-f', '/dev/null', '-S', this.#socket, ...args).toString()
  }

  press(...keys: string[]): void {
    this.#tmux('send-keys', ...keys)
  }

  /** Sends characters as they are. */
  type(...texts: string[]): void {
    this.#tmux('send-keys', '-l', ...texts)
  }

  resize(columns: number): void {
    this.#tmux('resize-window', '-x', String(columns))
  }

  lines(): string[] {
    return this.#tmux('capture-pane', '-p').trimEnd().split('\n')
  }

  /** Waits for a line that matches, the last one that does; it has to go on telling. */
  async shows(pattern: RegExp, is: (line: string) => boolean = () => true): Promise<string> {
    const found = (): string | undefined => this.lines().findLast((line) => pattern.test(line) && is(line))
    let line = found()
    if (line !== undefined) return line
    for await (const _ of watch(`${this.#cwd}/told`)) {
      line = found()
      if (line !== undefined) break
    }
    return line ?? ''
  }

  written(): string {
    return readFileSync(`${this.#cwd}/told`, 'utf8')
  }
}

/** The time that a status line tells, in hundredths. */
function time(line: string): number {
  const [, minutes = '', seconds = '', hundredths = ''] = /^00:(\d\d):(\d\d)\.(\d\d)/.exec(line) ?? []
  return (Number(minutes) * 60 + Number(seconds)) * 100 + Number(hundredths)
}

const LINES = {
  40: /^00:00:0\d\.\d\d( \[[=| ]{4,}\][ !]){1,2} 0x 0g \d+\.\d%$/,
  80: /^00:00:0\d\.\d\d \/ 00:01:00\.00 \[[=>-]{8,}\]( \[[=| ]{4,}\]!){1,2} 0 xruns, 0 gaps, \d+\.\d% load$/,
  200: /^00:00:0\d\.\d\d \/ 00:01:00\.00 \[[=>-]{40}\]( \[[=| ]{24}\]!){2} 0 xruns, 0 gaps, \d+\.\d% load$/,
} as const

for (const columns of [40, 80, 200] as const) {
  needing(
    ['tmux'],
    `a terminal of ${columns} columns: one line, redrawn; a resize; ctrl-C finishes the file`,
    async (t) => {
      const path = await folder(t)
      const sent = ramp(60 * RATE)
      writeFileSync(path('in.wav'), wav(sent))
      const terminal = new Terminal(t, path(''), columns, '-D virtual in.wav out.wav')
      const first = await terminal.shows(LINES[columns])
      t.true(first.length < columns, first)
      t.is(terminal.lines().filter((line) => line.includes('0g') || line.includes('gaps')).length, 1)
      terminal.resize(60)
      const after = await terminal.shows(
        /^00:00:0\d\.\d\d \[[=>-]{8,}\].* 0 xruns, 0 gaps|^00:00:0\d\.\d\d \[.* 0x 0g \d+\.\d%$/,
      )
      t.true(after.length < 60, after)
      terminal.press('C-c')
      await terminal.shows(/^status 0$/)
      const lines = terminal.lines()
      t.true(lines.includes('SIGINT: finishing; once more ends at once'))
      const frames = Number(/^frames processed: (\d+)$/m.exec(lines.join('\n'))?.[1])
      t.true(frames > 0 && frames < 60 * RATE)
      same(t, readWav(path('out.wav')).data, sent.subarray(0, 2 * frames))
    },
  )
}

needing(['tmux'], 'keys pause, seek and stop', async (t) => {
  const path = await folder(t)
  writeFileSync(path('in.wav'), wav(ramp(300 * RATE)))
  const terminal = new Terminal(t, path(''), 80, '-D virtual in.wav')
  await terminal.shows(/^00:00:0/)
  terminal.press('Space')
  const paused = await terminal.shows(/^00:00:0.* paused/)
  /** Waits until the line tells a time so many seconds after it was paused. */
  const at = (seconds: number): Promise<string> =>
    terminal.shows(/ paused/, (line) => Math.abs(time(line) - time(paused) - 100 * seconds) < 50)
  // Faster than the line is drawn: each goes on from where the one before goes.
  terminal.press('Right', 'Right', 'Up')
  await at(70)
  // As a terminal sends them whose keypad is in application mode.
  terminal.type('\u001BOD', '\u001BOB')
  await at(5)
  terminal.press('Down', 'Down')
  await terminal.shows(/^00:00:00\.00 .* paused/)
  terminal.press('Space')
  await terminal.shows(/^00:00:\d\d\.\d\d \/ 00:05:00\.00 \[/)
  terminal.press('q')
  await terminal.shows(/^status 0$/)
  // No frame is counted but those that were played.
  t.true(Number(/^frames processed: (\d+)$/m.exec(terminal.lines().join('\n'))?.[1]) < 60 * RATE)
})

needing(['python3'], 'a terminal that is closed finishes the file, with status 0', async (t) => {
  const path = await folder(t)
  const sent = ramp(60 * RATE)
  writeFileSync(path('in.wav'), wav(sent))
  // The command leads the session of a terminal that is closed once there is something to finish.
  const script = `
import os, pty, sys
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[1], sys.argv[1:])
while not os.path.exists('out.wav') or os.path.getsize('out.wav') < 8000:
    os.read(terminal, 4096)
os.close(terminal)
print(os.WEXITSTATUS(status) if os.WIFEXITED(status := os.waitpid(child, 0)[1]) else -os.WTERMSIG(status))
`
  const args = [process.execPath, COMMAND, '-D', 'virtual', 'in.wav', 'out.wav']
  t.is(tool(path(''), 'python3', '-c', script, ...args).toString(), '0\n')
  const { data } = readWav(path('out.wav'))
  same(t, data, sent.subarray(0, data.length / 2))
})

needing(['tmux'], 'NO_COLOR keeps colors off, TERM=dumb all escapes, -q everything', async (t) => {
  for (const [env, has] of [
    ['', true],
    ['NO_COLOR=1', false],
    ['TERM=dumb', false],
  ] as const) {
    const path = await folder(t)
    writeFileSync(path('in.wav'), wav(Int16Array.from({ length: 2 * RATE }, () => 32_767)))
    const terminal = new Terminal(t, path(''), 80, '-D virtual in.wav', env)
    await terminal.shows(/^status 0$/)
    t.is(terminal.written().includes('\u001B[31m!'), has, env)
    t.is(terminal.written().includes('\u001B[K'), env !== 'TERM=dumb', env)
    await terminal.shows(/^00:00:01\.00 .*\]!/)
  }
  const path = await folder(t)
  writeFileSync(path('in.wav'), wav(ramp(RATE)))
  const terminal = new Terminal(t, path(''), 80, '-q -D virtual in.wav')
  t.is(await terminal.shows(/^status/), 'status 0')
  t.deepEqual(terminal.lines().slice(1), ['status 0'])
})

needing(['script'], 'on a terminal the status line is drawn over itself, and notes above it', async (t) => {
  const path = await folder(t)
  writeFileSync(path('in.wav'), wav(ramp(RATE)))
  const command = `'${process.execPath}' '${COMMAND}' --meter off -D virtual:fault=stall@.5+.1 in.wav`
  const script = spawn('script', ['-qec', command, '/dev/null'], {
    cwd: path(''),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let seen = ''
  script.stdout.setEncoding('utf8').on('data', (text: string) => (seen += text))
  const [status] = (await once(script, 'close')) as [number]
  t.is(status, 0, seen)
  seen = seen.replaceAll('\u001B[K', '<clear>')
  const drawn = [
    ...seen.matchAll(/\r<clear>(00:00:0\d\.\d\d \/ 00:00:01\.00 \[[=>-]+\] \d xruns, \d gaps, \d+\.\d% load)/g),
  ].map(([, line]) => line)
  t.true(drawn.length >= 2, seen)
  t.regex(drawn.at(-1) ?? '', /^00:00:01\.00 .* 1 xruns, 1 gaps, /)
  t.deepEqual(drawn.toSorted(), drawn)
  t.regex(
    seen,
    /\r<clear>gap at 00:00:00\.51: 800 frames \(0\.10 s\) of silence played, the device dropped out\r\n\r<clear>00/,
  )
  t.true(seen.endsWith('gaps: 1 in the playback (800 frames), 0 in the recording (0 frames)\r\n'))
})

test('to a pipe no status line is written', async (t) => {
  const path = await folder(t)
  writeFileSync(path('in.wav'), wav(ramp(RATE)))
  const { stdout, stderr } = await pastream(t, path(''), ['--meter', '-D', 'virtual', 'in.wav', 'out.wav'])
  t.is(stdout.length, 0)
  t.false(stderr.includes('\r') || stderr.includes('\u001B') || stderr.includes('load'))
  t.regex(stderr, /^<- .*\n-- .*\n-> out\.wav\nduration: 00:00:01\.00\n/)
  await grown(path('out.wav'), 1)
})

const measured = {
  sampleRate: 48_000,
  xruns: 2,
  gaps: { count: 1, frames: 10, starved: 5, starvations: 2 },
  cpuLoad: 0.0123,
  paused: false,
}

function meters(...peaks: number[]): Meters {
  const made = new Meters(2)
  made.look(peaks.map((peak) => ({ peak, rms: peak, highest: peak, overall: peak })))
  return made
}

test('a status line tells what there is room for', (t) => {
  const at = { at: 72_000, length: 480_000, color: false }
  for (const [expected, line] of [
    ['00:00:01.50 2x 3g 1.2%', statusLine(measured, { ...at, length: undefined, width: 30 })],
    ['00:00:01.50 [=>-------------] 2x 3g 1.2%', statusLine(measured, { ...at, width: 40 })],
    ['00:00:01.50 [====]! 2x 3g 1.2%', statusLine(measured, { ...at, width: 30, meters: meters(1) })],
    ['00:00:01.50 / 00:00:10.00 2 xruns, 3 gaps, 1.2% load', statusLine(measured, { ...at, width: 60 })],
    [
      '00:00:01.50 / 00:00:10.00 paused [==>-----------------] 2 xruns, 3 gaps, 1.2% load',
      statusLine({ ...measured, paused: true }, { ...at, width: 82 }),
    ],
    ['00:00:01.50', statusLine(measured, { ...at, width: 5 })],
  ] as const) {
    t.is(line, expected)
  }
  for (let width = 11; width < 300; width++) {
    for (const channels of [0, 1, 2, 8, 256]) {
      const all = meters(...Array.from({ length: channels }, () => 0.1))
      const line = statusLine(measured, { ...at, width, meters: all })
      t.true(line.length <= width, `${width}: ${line}`)
    }
  }
})

test('a meter holds the highest level for a while, and a clip for ever', (t) => {
  const level = (peak: number) => [{ peak, rms: peak, highest: peak, overall: peak }]
  const meter = new Meters(2)
  const draw = (): string => meter.draw(16, false).text
  for (const [peak, expected] of [
    [1, ' [============]!'],
    [0.001, ' [           |]!'],
    [0, ' [           |]!'],
    [0, ' [            ]!'],
    [0.1, ' [========    ]!'],
    [0.01, ' [====   |    ]!'],
  ] as const) {
    meter.look(level(peak))
    t.is(draw(), expected, String(peak))
  }
  t.is(
    meters(32_766 / 32_768)
      .draw(16, false)
      .text.at(-1),
    ' ',
  )
  t.is(meters(1).draw(16, true).text.slice(-11), '\u001B[31m!\u001B[39m')
})
