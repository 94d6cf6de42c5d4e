import { once } from 'node:events'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import test from 'ava'
import { folder, same } from '../support.ts'
import { asSox, COMMAND, FREE, grown, int16, needing, ramp, RATE, readWav, Running, tool, wav } from './support.ts'

test('a producer that stalls for four seconds costs a gap, and not one frame', async (t) => {
  const path = await folder(t)
  const raw = ['-c1', `-r${RATE}`, '-e', 'pcm_16', '-t', 'raw,wav']
  // As little as possible is buffered: a block.
  const running = new Running(t, path(''), ['-D', 'virtual', ...raw, '-b', '64', '--buffersize', '64', '-', 'out.wav'])
  const sent = ramp(RATE, 1)
  const half = RATE / 2
  const header = 80
  running.child.stdin.write(Buffer.from(sent.buffer, 0, 2 * half))
  const recording = (): number[] => int16(readFileSync(path('out.wav')).subarray(header))
  let length = header
  do await grown(path('out.wav'), (length += 1000))
  while (!recording().includes(sent[half - 1] ?? 0))
  // The stall: the device's clock, as the recording tells it, runs for four seconds and more.
  const stalled = (statSync(path('out.wav')).size - header) / 2
  await grown(path('out.wav'), header + 2 * (stalled + 4 * RATE))
  running.child.stdin.end(Buffer.from(sent.buffer, 2 * half))
  const { status, stderr } = await running.ended()
  t.is(status, 0, stderr)

  const recorded = int16(readWav(path('out.wav')).data)
  t.deepEqual(
    recorded.filter((sample) => sample !== 0),
    [...sent],
  )
  // No sample that was sent is 0: every 0 is silence in place of what was late.
  const silent = recorded.length - sent.length
  const before = recorded.indexOf(sent[half - 1] ?? 0)
  t.true(recorded.indexOf(sent[half] ?? 0, before) - before > 4 * RATE - 250)
  t.true(silent > 4 * RATE - 250)
  const [, count, frames] =
    /\ngaps: (\d+) in the playback \((\d+) frames\), 0 in the recording \(0 frames\)\n/.exec(stderr) ?? []
  t.true(Number(count) >= 1)
  t.is(Number(frames), silent)
  t.regex(stderr, /\ngap at 00:00:\d\d\.\d\d: \d{5} frames \(\d\.\d\d s\) of silence played, the input was late\n/)
})

const UNREAD =
  /^pastream-rs: stdout: nobody reads the output any more: it is not complete, (\d+) frames of it are written\n$/

/** Reads some frames of stdout, and no more. */
async function leave({ child: { stdout } }: Running): Promise<void> {
  for (let read = 0; read < 1000;) read += ((await once(stdout, 'data')) as [Buffer])[0].length
  stdout.destroy()
}

test('a reader that goes before the end of stdout fails the run, in one line', async (t) => {
  const running = new Running(t, '.', ['-q', ...FREE, 'null', '-'])
  await leave(running)
  const { status, stderr } = await running.ended()
  t.is(status, 1)
  t.true(Number(UNREAD.exec(stderr)?.[1]) > 0, stderr)

  // Gone before the first frame.
  const late = new Running(t, '.', ['-q', ...FREE, '-', '-'])
  late.child.stdout.destroy()
  late.child.stdin.end(wav(ramp(1000)))
  const none = await late.ended()
  t.is(none.status, 1)
  t.is(UNREAD.exec(none.stderr)?.[1], '0', none.stderr)
})

test('a reader that goes is told after the summary, or as the last event', async (t) => {
  const ended = async (...args: string[]): Promise<string> => {
    const running = new Running(t, '.', [...args, ...FREE, 'null', '-'])
    await leave(running)
    const { status, stderr } = await running.ended()
    t.is(status, 1)
    return stderr
  }
  t.regex(await ended(), /\nnot complete: stdout \((\d+) frames\)\npastream-rs: stdout: nobody reads.* \1 frames.*\n$/)
  const [end, error] = (await ended('--json'))
    .trimEnd()
    .split('\n')
    .slice(-2)
    .map((line) => JSON.parse(line) as object)
  t.like(end, { event: 'end', files: [{ file: 'stdout', complete: false }] })
  t.like(error, { event: 'error', status: 1, code: 'ERR_PASTREAM_IO' })
})

needing(['bash', 'head'], 'a reader that goes when it has all of stdout is no error', async (t) => {
  const path = await folder(t)
  const sent = ramp(RATE)
  writeFileSync(path('in.wav'), wav(sent))
  const length = 24 + sent.byteLength
  const script = `"$@" | head -c ${length} >out.au; exit "\${PIPESTATUS[0]}"`
  const args = [process.execPath, COMMAND, '-q', ...FREE, '--endian', '^,little', 'in.wav', '-']
  tool(path(''), 'bash', '-c', script, 'bash', ...args)
  same(t, readFileSync(path('out.au')).subarray(24), sent)
})

test('nobody who reads stderr is no error', async (t) => {
  const path = await folder(t)
  const sent = ramp(RATE)
  const running = new Running(t, path(''), [...FREE, '-', 'out.wav'])
  running.child.stderr.destroy()
  running.child.stdin.end(wav(sent))
  t.is((await running.ended()).status, 0)
  same(t, readWav(path('out.wav')).data, sent)
})

test('-l ends quietly where nobody reads', async (t) => {
  const running = new Running(t, '.', ['-l'])
  running.child.stdout.destroy()
  t.deepEqual(await running.ended(), { status: 0, stdout: Buffer.alloc(0), stderr: '' })
})

needing(['sox'], 'kill -9 leaves a WAV file that sox reads', async (t) => {
  const path = await folder(t)
  const sent = ramp(60 * RATE)
  const running = new Running(t, path(''), ['-D', 'virtual', '-', 'out.wav'])
  running.child.stdin.write(wav(sent))
  // The header is made true when a part was written, by which the file is longer than that part.
  const frames = (): number => readFileSync(path('out.wav')).readUInt32LE(76) / 4
  let length = 1000
  do await grown(path('out.wav'), (length += 1000))
  while (frames() === 0)
  running.child.kill('SIGKILL')
  await running.ended()
  t.is(running.child.signalCode, 'SIGKILL')
  const told = frames()
  const read = asSox(path(''), 'out.wav')
  t.true(told > 0 && read.length >= told * 4)
  same(t, read, sent.subarray(0, read.length / 2))
})
