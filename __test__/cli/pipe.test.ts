import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import test from 'ava'
import { folder, same } from '../support.ts'
import { asSox, FREE, grown, int16, needing, ramp, RATE, readWav, Running, wav } from './support.ts'

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

test('a reader that has had enough of stdout ends the run, and that is no error', async (t) => {
  const path = await folder(t)
  const running = new Running(t, path(''), [...FREE, 'null', '-'])
  await once(running.child.stdout, 'data')
  running.child.stdout.destroy()
  const { status, stderr } = await running.ended()
  t.is(status, 0)
  t.regex(
    stderr,
    /\nnobody reads the output any more: finished\nduration: .*\nframes processed: \d+\nxruns: .*\ngaps: .*\nlevel of the recording: .*\nnot complete: stdout \(\d+ frames\)\n$/,
  )
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
