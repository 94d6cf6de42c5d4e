import { access, readFile, writeFile } from 'node:fs/promises'
import test, { type ExecutionContext } from 'ava'
import { DuplexStream, SoundFile, type FileSink, type Format } from 'pastream-rs'
import { concat, duplex, fails, folder, HELD, noise, RATE, same } from '../support.ts'

const FREE = 'virtual:clock=free:block=1..700'

/** Plays `sent` while it is recorded into a file. */
async function make(t: ExecutionContext, format: Format, sent: ArrayBufferView, file: FileSink): Promise<void> {
  const stream = await duplex(t, { format })
  await stream.setSource(sent)
  await stream.setSink(file)
  await stream.start()
  await stream.wait()
}

for (const [type, formats] of Object.entries(HELD) as [keyof typeof HELD, readonly Format[]][]) {
  test(`${type}: file → device → file, bit for bit, in every format`, async (t) => {
    const path = await folder(t)
    for (const format of formats) {
      const [first, second] = [path(`${format}.1.${type}`), path(`${format}.2.${type}`)]
      const sent = noise(format, 2 * 20_011)
      await make(t, format, sent, { path: first })
      await using file = await SoundFile.open({ path: first, ...(type === 'raw' ? RAW[format] : {}) })
      t.like(file.info, { container: type, channels: 2, sampleRate: RATE, frames: 20_011, format })

      const stream = await DuplexStream.fromFile(file, { device: FREE })
      t.like(stream, { format, channels: 2, sampleRate: RATE })
      await stream.toFile(second)
      await stream.start()
      await stream.wait()
      await stream.close()
      t.deepEqual(await readFile(second), await readFile(first), format)

      const back = await duplex(t, { format })
      same(t, await back.playrec({ path: second, ...(type === 'raw' ? RAW[format] : {}) }), sent)
    }
  })
}

/** What nothing else says of a RAW file. */
const RAW = {
  float32: { encoding: 'float', channels: 2, sampleRate: RATE },
  int32: { encoding: 'pcm_32', channels: 2, sampleRate: RATE },
  int24: { encoding: 'pcm_24', channels: 2, sampleRate: RATE },
  int16: { encoding: 'pcm_16', channels: 2, sampleRate: RATE },
  int8: { encoding: 'pcm_s8', channels: 2, sampleRate: RATE },
  uint8: { encoding: 'pcm_u8', channels: 2, sampleRate: RATE },
} as const

test('a file loops ×5 with no gap', async (t) => {
  const path = await folder(t)
  const sent = noise('int16', 2 * 3001)
  await make(t, 'int16', sent, { path: path('in.wav') })
  const stream = await DuplexStream.fromFile(path('in.wav'), { device: FREE, loop: true, bufferSize: 1000 })
  await stream.toFile(path('out.wav'), { bufferSize: 500 })
  await stream.start({ frames: 5 * 3001 })
  await stream.wait()
  await stream.close()
  const back = await duplex(t)
  same(t, await back.playrec(path('out.wav')), concat(sent, sent, sent, sent, sent))
  same(t, await back.playrec(path('in.wav'), { loop: true, frames: 9003 }), concat(sent, sent, sent))
})

test('a file plays again from its beginning', async (t) => {
  const path = await folder(t)
  const sent = noise('int16', 2 * 5000)
  await make(t, 'int16', sent, { path: path('in.wav') })
  const stream = await duplex(t)
  await using file = await SoundFile.open(path('in.wav'))
  for (let round = 0; round < 3; round++) same(t, await stream.playrec(file), sent)
  await stream.setSource(file, { loop: true })
  await stream.start()
  await stream.abort()
  await stream.setSource(path('in.wav'))
  for (let round = 0; round < 3; round++) {
    await stream.toFile(path(`out${round}.wav`))
    await stream.start()
    await stream.wait()
    t.deepEqual(await readFile(path(`out${round}.wav`)), await readFile(path('in.wav')))
  }
})

test('several sinks get the same recording', async (t) => {
  const path = await folder(t)
  const sent = noise('int16', 2 * 5000)
  const stream = await duplex(t)
  await stream.setSource(sent)
  await stream.setSink([path('a.wav'), path('b.au'), { path: path('c'), type: 'raw', endian: 'big' }])
  await stream.start()
  await stream.wait()
  await stream.setSink(null)
  const big = { path: path('c'), ...RAW.int16, type: 'raw', endian: 'big' } as const
  for (const file of [path('a.wav'), path('b.au'), big]) same(t, await stream.playrec(file), sent)
})

test('a file of another format than the stream is converted on its way', async (t) => {
  const path = await folder(t)
  const sent = noise('int16', 2 * 1000) as Int16Array
  await make(t, 'int16', sent, { path: path('int16.wav') })
  const stream = await duplex(t, { format: 'float32' })
  const floats = Float32Array.from(sent, (sample) => sample / 2 ** 15)
  same(t, await stream.playrec(path('int16.wav')), floats)
  await stream.setSource(path('int16.wav'))
  await stream.setSink({ path: path('back.wav'), encoding: 'pcm_16' })
  await stream.start()
  await stream.wait()
  t.deepEqual(await readFile(path('back.wav')), await readFile(path('int16.wav')))
})

test('frames, pad and offset of a file', async (t) => {
  const path = await folder(t)
  const sent = noise('int16', 2 * 1000)
  await make(t, 'int16', sent, { path: path('in.wav') })
  const stream = await duplex(t)
  same(t, await stream.playrec(path('in.wav'), { frames: 700, offset: 300 }), sent.subarray(600, 1400))
  same(
    t,
    await stream.playrec(path('in.wav'), { pad: 10, offset: 999 }),
    concat(sent.subarray(1998), new Int16Array(20)),
  )
  same(
    t,
    await stream.playrec(path('in.wav'), { frames: 1010, pad: -1, offset: 999 }),
    concat(sent.subarray(1998), new Int16Array(20)),
  )
  await fails(t, () => stream.playrec(path('in.wav'), { frames: 1001 }), 'ERR_PASTREAM_BUFFER_EMPTY', /1000 frames/)
})

test('an output file appears once the stream runs, and not before', async (t) => {
  const path = await folder(t)
  await writeFile(path('there.wav'), 'what stood there before')
  const stream = await duplex(t, { device: 'virtual' })
  await stream.toFile(path('there.wav'))
  await stream.setSink([path('there.wav'), path('new.wav')])
  await stream.close()
  t.is(await readFile(path('there.wav'), 'utf8'), 'what stood there before')
  await t.throwsAsync(access(path('new.wav')))
})

test('what can be no file', async (t) => {
  const path = await folder(t)
  const open = (file: string | object) => () => SoundFile.open(file as string)
  const [io, file, corrupt] = ['ERR_PASTREAM_IO', 'ERR_PASTREAM_UNSUPPORTED_FILE', 'ERR_PASTREAM_CORRUPT_FILE'] as const
  await fails(t, open(path('none.wav')), io, /none\.wav.*[Nn]o such file/)
  await fails(t, open(path('.')), io, /directory/)
  await writeFile(path('empty.wav'), '')
  await fails(t, open(path('empty.wav')), file, /empty\.wav.*empty/)
  await writeFile(path('text.wav'), 'This is a letter, not a sound.\n'.repeat(40))
  await fails(t, open(path('text.wav')), file, /text\.wav/)
  await make(t, 'int16', noise('int16', 200), { path: path('good.wav') })
  const good = await readFile(path('good.wav'))
  for (const length of [4, 12, 20, 35]) {
    await writeFile(path('cut.wav'), good.subarray(0, length))
    const error = await t.throwsAsync(open(path('cut.wav')), { message: /cut\.wav/ })
    t.true(
      [file, corrupt].some((code) => code === (error as { code?: string }).code),
      `${length}: ${error.message}`,
    )
  }
  await fails(t, open({ path: path('good.wav'), type: 'mp4' }), 'ERR_PASTREAM_INVALID_ARGUMENT', /mp4/)
  await fails(t, open({ path: path('good.wav'), type: 'raw' }), 'ERR_PASTREAM_INVALID_ARGUMENT', /RAW|raw/)
  await fails(
    t,
    open({ path: path('good.wav'), type: 'raw', channels: 0 }),
    'ERR_PASTREAM_INVALID_ARGUMENT',
    /channels is 0/,
  )
  await fails(t, open({ path: { fd: -1 } }), 'ERR_PASTREAM_INVALID_ARGUMENT', /descriptor/)

  const stream = await duplex(t)
  const sink = (to: FileSink | string) => () => stream.setSink(to)
  await fails(t, sink(path('a.mp3')), file, /mp3/)
  await fails(t, sink(path('none/a.wav')), io, /none/)
  await fails(t, sink(path('.')), io, /is a directory: name a file in it/)
  await fails(t, sink({ path: path('a.wav'), encoding: 'pcm_s8' }), file, /pcm_s8/)
  await fails(t, sink({ path: path('a.wav'), endian: 'middle' as 'big' }), 'ERR_PASTREAM_INVALID_ARGUMENT', /middle/)
  await t.throwsAsync(access(path('a.wav')))
})
