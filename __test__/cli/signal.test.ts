import { closeSync, constants, existsSync, openSync, readFileSync, writeSync, writeFileSync } from 'node:fs'
import test from 'ava'
import { folder, same } from '../support.ts'
import { grown, ramp, RATE, readWav, Running, tool, wav } from './support.ts'

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} finishes the file`, async (t) => {
    const path = await folder(t)
    const sent = ramp(60 * RATE)
    writeFileSync(path('in.wav'), wav(sent))
    const running = new Running(t, path(''), ['-D', 'virtual', 'in.wav', 'out.wav'])
    await grown(path('out.wav'), 8000)
    running.child.kill(signal)
    const { status, stderr } = await running.ended()
    t.is(status, 0)
    t.true(stderr.includes(`\n${signal}: finishing; once more ends at once\n`))
    const frames = Number(/\nframes processed: (\d+)\n/.exec(stderr)?.[1])
    t.true(frames > 1000 && frames < 60 * RATE)
    same(t, readWav(path('out.wav')).data, sent.subarray(0, 2 * frames))
  })
}

for (const there of [false, true]) {
  test(`a signal while stdin has given nothing yet ends the wait: ${there ? 'an old' : 'a new'} file`, async (t) => {
    const path = await folder(t)
    if (there) writeFileSync(path('out.wav'), 'old')
    const raw = ['-c1', '-r8k', '-e', 'pcm_16', '-t', 'raw,wav']
    const running = new Running(t, path(''), ['-D', 'virtual', ...raw, '-', 'out.wav'])
    await running.told('-> out.wav')
    running.child.kill('SIGINT')
    const { status, stderr } = await running.ended()
    t.is(status, 0)
    t.true(stderr.includes('SIGINT: finishing'))
    t.true(stderr.includes(`\nnothing was recorded, and out.wav ${there ? 'is as it was' : 'was not made'}\n`))
    t.is(existsSync(path('out.wav')), there)
    if (there) t.is(readFileSync(path('out.wav'), 'utf8'), 'old')
  })
}

test('two signals at once are one wish, as `timeout` tells a process and then its group', async (t) => {
  const path = await folder(t)
  const running = new Running(t, path(''), ['-D', 'virtual', 'null', 'out.wav'])
  await grown(path('out.wav'), 8000)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) running.child.kill(signal)
  const { status, stderr } = await running.ended()
  t.is(status, 0)
  const frames = Number(/\nframes processed: (\d+)\n/.exec(stderr)?.[1])
  const { data, channels, bits } = readWav(path('out.wav'))
  t.is(data.length, (frames * channels * bits) / 8)
})

test('USR1 without --split and --preroll does nothing', async (t) => {
  const path = await folder(t)
  const running = new Running(t, path(''), ['-D', 'virtual', 'null', 'out.wav'])
  await running.told('-> out.wav')
  running.child.kill('SIGUSR1')
  await grown(path('out.wav'), 8000)
  running.child.kill('SIGINT')
  const { status, stderr } = await running.ended()
  t.is(status, 0)
  t.regex(stderr, /^<- null\n-- .*\n-> out\.wav\nSIGINT: finishing; once more ends at once\nduration: /)
})

test('-q tells nothing of a signal', async (t) => {
  const path = await folder(t)
  const running = new Running(t, path(''), ['-q', '-D', 'virtual', 'null', 'out.wav'])
  await grown(path('out.wav'), 8000)
  running.child.kill('SIGTERM')
  t.deepEqual(await running.ended(), { status: 0, stdout: Buffer.alloc(0), stderr: '' })
})

for (const [signal, status] of [['SIGINT', 130] as const, ['SIGTERM', 143] as const, ['SIGHUP', 129] as const]) {
  test(`a second signal cuts it short: ${signal} is ${status}`, async (t) => {
    const path = await folder(t)
    // The file can't be finished: it is a pipe that is full, and nobody reads it.
    tool(path(''), 'mkfifo', 'full')
    const pipe = openSync(path('full'), constants.O_RDWR | constants.O_NONBLOCK)
    t.teardown(() => closeSync(pipe))
    t.throws(
      () => {
        for (;;) writeSync(pipe, Buffer.alloc(4096))
      },
      { code: 'EAGAIN' },
    )
    const running = new Running(t, path(''), ['-D', 'virtual:fault=stall@0.02+0.05', '-t', 'au', 'null', 'full'])
    // By then there are frames to write.
    await running.told('gap at 00:00:00.0')
    running.child.kill('SIGINT')
    await running.told('SIGINT: finishing')
    // What comes close behind the first one is the same wish.
    const again = setInterval(() => running.child.kill(signal), 50)
    t.teardown(() => clearInterval(again))
    t.is((await running.ended()).status, status)
  })
}
