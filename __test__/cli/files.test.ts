import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import test from 'ava'
import { folder, same } from '../support.ts'
import { FREE, grown, int16, pastream, ramp, RATE, readWav, Running, wav } from './support.ts'

interface Written {
  readonly file: string
  readonly frame: number
  readonly frames: number
}

/** The last event of --json. */
function end(stderr: string): { frames: number; files: Written[] } {
  return JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '') as { frames: number; files: Written[] }
}

test('--split: one file after the other, with no frame lost', async (t) => {
  const path = await folder(t)
  const sent = ramp(1000)
  writeFileSync(path('in.wav'), wav(sent))
  const { status, stderr } = await pastream(t, path(''), [...FREE, '--split', '400s', 'in.wav', 'take.wav'])
  t.is(status, 0)
  const written = [
    ['take-0001.wav', 400],
    ['take-0002.wav', 400],
    ['take-0003.wav', 200],
  ] as const
  t.deepEqual(readdirSync(path('')).toSorted(), ['in.wav', ...written.map(([name]) => name)])
  for (const [name, frames] of written) t.true(stderr.includes(`written: ${name} (${frames} frames, `), stderr)
  same(t, Buffer.concat(written.map(([name]) => readWav(path(name)).data)), sent)
})

test('--split writes over nothing', async (t) => {
  const path = await folder(t)
  writeFileSync(path('in.wav'), wav(ramp(500)))
  writeFileSync(path('take-0001.wav'), 'precious')
  writeFileSync(path('take.wav'), 'not in the way')
  const args = [...FREE, '--no-clobber', '--split', '300s', 'in.wav', 'take.wav']
  t.is((await pastream(t, path(''), args)).status, 0)
  t.is(readFileSync(path('take-0001.wav'), 'utf8'), 'precious')
  t.deepEqual(
    ['take-0002.wav', 'take-0003.wav'].map((name) => readWav(path(name)).data.length / 4),
    [300, 200],
  )
})

test('--split: USR1 begins the next file', async (t) => {
  const path = await folder(t)
  const sent = ramp(60 * RATE)
  writeFileSync(path('in.wav'), wav(sent))
  const args = ['--json', '-D', 'virtual', '--split', '--', 'in.wav', 'take.wav']
  const running = new Running(t, path(''), args)
  // Before the first frame there is nothing to part.
  while (!/"progress","frames":[1-9]/.test(running.stderr)) await tick()
  running.child.kill('SIGUSR1')
  // It begins with its first frame.
  await grown(path('take-0002.wav'), 100)
  running.child.kill('SIGINT')
  const { status, stderr } = await running.ended()
  t.is(status, 0, stderr)
  const { frames, files } = end(stderr)
  t.is(files.length, 2)
  t.deepEqual(
    files.map(({ frame }) => frame),
    [0, files[0]?.frames],
  )
  t.is(
    files.reduce((sum, { frames: some }) => sum + some, 0),
    frames,
  )
  same(t, Buffer.concat(files.map(({ file }) => readWav(path(file)).data)), sent.subarray(0, 2 * frames))
})

test('--preroll: the file begins before USR1', async (t) => {
  const path = await folder(t)
  const sent = ramp(60 * RATE)
  writeFileSync(path('in.wav'), wav(sent))
  const running = new Running(t, path(''), ['--json', '-D', 'virtual', '--preroll', '800s', 'in.wav', 'out.wav'])
  // More than the preroll has been played by then.
  await running.told('"progress"')
  while (!/"progress","frames":\d{4,}/.test(running.stderr)) await tick()
  t.false(existsSync(path('out.wav')))
  running.child.kill('SIGUSR1')
  while (!existsSync(path('out.wav'))) await tick()
  running.child.kill('SIGINT')
  const { status, stderr } = await running.ended()
  t.is(status, 0, stderr)
  const [file, ...others] = end(stderr).files
  t.deepEqual(others, [])
  const { frame = 0, frames = 0 } = file ?? {}
  t.true(frame > 0 && frames >= 800, `${frames} frames from ${frame} on`)
  same(t, readWav(path('out.wav')).data, sent.subarray(2 * frame, 2 * (frame + frames)))
})

test('--preroll without USR1 records nothing, and says so', async (t) => {
  const path = await folder(t)
  writeFileSync(path('in.wav'), wav(ramp(100)))
  const { status, stderr } = await pastream(t, path(''), [...FREE, '--preroll', '1', 'in.wav', 'out.wav'])
  t.is(status, 0)
  t.true(stderr.includes('\nnothing was recorded: neither USR1 nor the key n came, and out.wav was not made\n'), stderr)
  t.false(existsSync(path('out.wav')))
})

test('--repair makes headers true, goes on after a file that it cannot mend, and fails then', async (t) => {
  const path = await folder(t)
  const sent = ramp(1000)
  const cut = wav(sent)
  cut.writeUInt32LE(0, 4)
  cut.writeUInt32LE(0, 40)
  writeFileSync(path('cut.wav'), cut)
  writeFileSync(path('text.wav'), 'no audio')
  writeFileSync(path('true.wav'), wav(sent))
  const { status, stdout, stderr } = await pastream(t, path(''), ['--repair', 'cut.wav', 'text.wav', 'true.wav'])
  t.is(stdout.toString(), 'cut.wav: repaired: wav, 1000 frames\ntrue.wav: was true already: wav, 1000 frames\n')
  t.regex(stderr, /^pastream-rs: .*text\.wav.*\n$/)
  t.is(status, 1)
  same(t, readFileSync(path('cut.wav')), wav(sent))
  const nothing = await pastream(t, path(''), ['--repair'])
  t.is(nothing.status, 2)
  t.regex(nothing.stderr, /^pastream-rs: --repair: no file: give the recordings .*; try pastream-rs -h\n$/)
})

test('--gain, --resample and --dither do to the bits what they say', async (t) => {
  const path = await folder(t)
  const sent = ramp(1000)
  writeFileSync(path('in.wav'), wav(sent))
  const played = async (...args: string[]): Promise<number[]> => {
    const { status, stderr } = await pastream(t, path(''), ['-q', ...FREE, ...args, 'in.wav', 'out.wav'])
    t.is(status, 0, stderr)
    return int16(readWav(path('out.wav')).data)
  }
  const factor = 10 ** (-6 / 20)
  const even = (value: number): number => (value % 1 === 0.5 ? 2 * Math.round(value / 2) : Math.round(value))
  t.deepEqual(
    await played('--gain', '-6'),
    [...sent].map((sample) => even(sample * factor)),
  )
  t.is((await played('-r', '16k')).length, 2 * 2000)
  const eight = async (...args: string[]): Promise<string> => {
    await pastream(t, path(''), ['-q', ...FREE, '-e', '^,pcm_u8', ...args, 'in.wav', 'out.wav'])
    return readWav(path('out.wav')).data.toString('hex')
  }
  const [plain, dithered, again, other] = [
    await eight(),
    await eight('--dither'),
    await eight('--dither', '0'),
    await eight('--dither=1'),
  ]
  t.is(dithered, again)
  t.is(new Set([plain, dithered, other]).size, 3)
})

test('-s plays on and records from channels of the device', async (t) => {
  const path = await folder(t)
  const sent = ramp(1000)
  writeFileSync(path('in.wav'), wav(sent))
  const on = async (output: string, ...args: string[]): Promise<Int16Array> => {
    const { status, stderr } = await pastream(t, path(''), ['-q', ...args, 'in.wav', output])
    t.is(status, 0, stderr)
    const { data, channels } = readWav(path(output))
    t.is(channels, data.length / 2000)
    return Int16Array.from(int16(data))
  }
  // What is played on some channels is recorded from them.
  same(t, await on('both.wav', ...FREE, '-s', '4,2'), sent)
  // Channel 1 of the file is on 4, channel 2 on 2, and nothing on the others.
  const all = await on('all.wav', ...FREE, '-c', '4', '-m', '0,2,0,1', '-m', '^')
  same(
    t,
    all,
    Int16Array.from(
      { length: 4000 },
      (_, at) => (at % 4 === 3 ? sent[(at - 3) / 2] : at % 4 === 1 ? sent[(at - 1) / 2 + 1] : 0) ?? 0,
    ),
  )
})

test('a recording alone takes the gain', async (t) => {
  const path = await folder(t)
  const args = [...FREE, '--json', '-d', '10s', '--gain', '-6', 'null', 'out.wav']
  const { status, stderr } = await pastream(t, path(''), args)
  t.is(status, 0, stderr)
  const { conversion } = JSON.parse(stderr.split('\n')[0] ?? '') as { conversion: { recording: { gain: number }[] } }
  t.is(conversion.recording[0]?.gain, -6)
})

function tick(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, 20))
}
