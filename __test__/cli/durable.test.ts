import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import test from 'ava'
import { decode, repair, type Container } from 'pastream-rs'
import { folder, linux, randoms, same } from '../support.ts'
import { COMMAND, grown, pastream, ramp, RATE, readWav, Running, wav } from './support.ts'

/** Every container that is true while it grows. */
const CONTAINERS: readonly Container[] = ['wav', 'rf64', 'w64', 'aiff', 'au', 'caf', 'flac']
/** Kills of each. */
const KILLS = 5

const sent = ramp(60 * RATE)

for (const [index, container] of CONTAINERS.entries()) {
  test(`kill -9 at any moment leaves a file that lacks at most the last second: ${container}`, async (t) => {
    const path = await folder(t)
    writeFileSync(path('in.wav'), wav(sent))
    const random = randoms(index + 1)
    for (let kill = 0; kill < KILLS; kill++) {
      const name = `${kill}.${container}`
      const running = new Running(t, path(''), ['-q', '-D', 'virtual', '-t', `^,${container}`, 'in.wav', name])
      // With a header, at least.
      await grown(path(name), 1)
      const began = performance.now()
      await pause(random(2500))
      const lived = (performance.now() - began) / 1000
      running.child.kill('SIGKILL')
      await running.ended()

      const { data, channels } = await decode(path(name), { format: 'int16' })
      same(t, data, sent.subarray(0, data.length), name)
      t.is(channels, 2)
      t.true(data.length / 2 >= (lived - 1) * RATE, `${name}: ${data.length / 2} frames of ${lived} s`)

      if (container === 'flac') continue
      // What came after the last header is there, too.
      const size = statSync(path(name)).size
      const mended = await repair(path(name))
      t.true(mended.frames * 4 + 256 > size && mended.frames >= data.length / 2, JSON.stringify(mended))
      const whole = await decode(path(name), { format: 'int16' })
      t.is(whole.data.length, 2 * mended.frames)
      same(t, whole.data, sent.subarray(0, whole.data.length), name)
      t.deepEqual(await repair(path(name)), { ...mended, changed: false })
    }
  })
}

test('a reader of stdout that stalls for eight seconds costs no frame', async (t) => {
  const path = await folder(t)
  const long = ramp(10 * 48_000)
  writeFileSync(path('in.wav'), wav(long, 2, 48_000))
  const args = [COMMAND, '-D', 'virtual', '-t', '^,au', '--endian', '^,little', 'in.wav', '-']
  const child = spawn(process.execPath, args, { cwd: path(''), stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  while (!stderr.includes('-> stdout')) await once(child.stderr, 'data')
  await pause(8000)
  const closed = once(child, 'close')
  const got = await buffer(child.stdout)
  t.deepEqual(await closed, [0, null])
  t.regex(stderr, /\ngaps: .*, 0 in the recording \(0 frames\)\n/)
  same(t, got.subarray(24), long)
})

linux('a disk that is full: status 1, an error that names the file, and all that fitted', async (t) => {
  const path = await folder(t)
  writeFileSync(path('in.wav'), wav(sent))
  // A limit of the file's length is as good as a small disk. In KiB, as bash has it.
  const script = 'ulimit -f 100; trap "" XFSZ; exec "$@"'
  const args = ['-c', script, 'bash', process.execPath, COMMAND, '-D', 'virtual:clock=free', 'in.wav', 'out.wav']
  const child = spawn('bash', args, { cwd: path(''), stdio: ['ignore', 'ignore', 'pipe'] })
  const [stderr, [status]] = await Promise.all([buffer(child.stderr), once(child, 'close')])
  t.is(status, 1)
  t.regex(String(stderr), /out\.wav/)
  const { data } = readWav(path('out.wav'))
  t.true(statSync(path('out.wav')).size > 100 * 1024 - 8)
  same(t, data, sent.subarray(0, data.length / 2))
})

linux(
  'a folder that is moved away: status 1, an error that names the file, which is whole where it went',
  async (t) => {
    const path = await folder(t)
    mkdirSync(path('takes'))
    writeFileSync(path('in.wav'), wav(sent))
    const running = new Running(t, path(''), ['-D', 'virtual', 'in.wav', 'takes/out.wav'])
    await grown(path('takes/out.wav'), 8000)
    renameSync(path('takes'), path('moved'))
    running.child.kill('SIGINT')
    const { status, stderr } = await running.ended()
    t.is(status, 1)
    t.regex(stderr, /takes\/out\.wav was moved, removed or replaced/)
    const { data } = readWav(path('moved/out.wav'))
    t.true(data.length >= 7000)
    same(t, data, sent.subarray(0, data.length / 2))
  },
)

test('an old file stays as it is until the first frame', async (t) => {
  const path = await folder(t)
  writeFileSync(path('out.wav'), 'old')
  const { status } = await pastream(t, path(''), ['-D', 'no such device', 'null', 'out.wav'])
  t.is(status, 1)
  t.is(readFileSync(path('out.wav'), 'utf8'), 'old')
})
