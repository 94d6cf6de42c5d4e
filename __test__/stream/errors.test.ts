import { access, open } from 'node:fs/promises'
import test from 'ava'
import {
  DuplexStream,
  InputStream,
  OutputStream,
  PastreamError,
  RingBuffer,
  SoundFile,
  type StreamOptions,
} from 'pastream-rs'
import { concat, duplex, fails, folder, linux, noise, RATE, same } from '../support.ts'

test('what can be no stream', async (t) => {
  const refused = async (options: StreamOptions, code: PastreamError['code'], message: RegExp) => {
    for (const Kind of [DuplexStream, InputStream, OutputStream])
      await fails(t, () => Kind.open(options), code, message)
  }
  const argument = 'ERR_PASTREAM_INVALID_ARGUMENT'
  const device = 'virtual'
  await refused({ device: 'no such card' }, 'ERR_PASTREAM_DEVICE_NOT_FOUND', /no such card.*virtual.*-D virtual/)
  await refused({ device: 'u' }, 'ERR_PASTREAM_DEVICE_AMBIGUOUS', /virtual.*null/)
  await refused({ device: -1 }, argument, /device is -1: give a device's id/)
  await refused({ device, xrun: 'ignore' as 'abort' }, argument, /ignore/)
  await refused({ device: 'default' }, 'ERR_PASTREAM_HOST_UNAVAILABLE', /virtual/)
  await refused({ device: 'virtual:delay=x' }, argument, /delay/)
  await refused({ device: 'virtual:rate=44100', sampleRate: RATE }, 'ERR_PASTREAM_UNSUPPORTED_CONFIG', /44100/)
  await refused({ device: 'virtual:channels=2', channels: 3 }, 'ERR_PASTREAM_UNSUPPORTED_CONFIG', /channels/)
  await refused({ device: 'virtual:format=int16', format: 'float32' }, 'ERR_PASTREAM_UNSUPPORTED_CONFIG', /int16/)
  for (const bad of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 40, '2' as unknown as number]) {
    await refused({ device, sampleRate: bad }, argument, /sampleRate is/)
    await refused({ device, channels: bad }, argument, /channels is/)
  }
  await refused({ device, channels: 257 }, 'ERR_PASTREAM_UNSUPPORTED_CONFIG', /256/)
  await refused({ device, sampleRate: 800_000 }, 'ERR_PASTREAM_UNSUPPORTED_CONFIG', /768/)
  await refused({ device, blockSize: -1 }, argument, /blockSize is -1/)
  await refused({ device, format: 'int17' as 'int16' }, argument, /int17/)
  await refused({ device, latency: -1 }, argument, /latency/)
  await refused({ device, latency: 'lowest' as 'low' }, argument, /lowest/)
  await refused({ device, underrun: 'ignore' as 'abort' }, argument, /ignore/)
})

test('mappings that lead nowhere', async (t) => {
  for (const mapping of [[3], [1, 1, 1], [-1], [1.5], { 0: 1 }, { 1: 0 }, { 1: 3 }]) {
    const stream = async () => {
      const opened = await duplex(t, { txMapping: mapping })
      await opened.playrec(noise('int16', 4))
    }
    await fails(t, stream, 'ERR_PASTREAM_INVALID_ARGUMENT', /channel/)
  }
})

test('what can be no run', async (t) => {
  const stream = await duplex(t)
  const refused = (work: () => unknown, message: RegExp) => fails(t, work, 'ERR_PASTREAM_INVALID_ARGUMENT', message)
  const sent = noise('int16', 40)
  for (const bad of [1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    await refused(() => stream.playrec(sent, { frames: bad }), /frames is/)
    await refused(() => stream.playrec(sent, { pad: bad }), /pad is/)
    await refused(() => stream.playrec(sent, { offset: bad }), /offset is/)
  }
  await refused(() => stream.playrec(sent, { offset: -1 }), /offset is -1/)
  await refused(() => stream.playrec(sent, { offset: 21 }), /offset 21 is beyond the end at 20 frames/)
  await refused(() => stream.playrec(sent, { bufferSize: 0 }), /bufferSize is 0/)
  await refused(() => stream.playrec(sent, { loop: true }), /`frames` or `out`/)
  await refused(() => stream.record({}), /`frames` or `out`/)
  await refused(() => stream.record({ frames: 3, offset: 4 }), /offset 4/)
  await refused(() => stream.wait({ timeout: -1 }), /timeout is -1/)
  await refused(() => stream.start({ prebuffer: -3 }), /prebuffer is -3/)
  t.false(stream.active)
})

test('an option that there is not, rather than one that is not heard', async (t) => {
  const stream = await duplex(t)
  const sent = noise('int16', 40)
  const wrong = { sampelRate: 8000 } as object
  for (const work of [
    () => DuplexStream.open({ device: 'virtual', ...wrong }),
    () => SoundFile.open({ path: 'none.wav', ...wrong }),
    () => stream.setSource(sent, wrong),
    () => stream.setSink('none.wav', wrong),
    () => stream.toFile('none.wav', wrong),
    () => stream.start(wrong),
    () => stream.wait(wrong),
    () => stream.play(sent, wrong),
    () => stream.record({ frames: 4, ...wrong }),
    () => stream.playrec(sent, wrong),
    () => stream.chunks(wrong),
  ]) {
    await fails(t, work, 'ERR_PASTREAM_INVALID_ARGUMENT', /no option `sampelRate`/)
  }
  t.false(stream.active)
})

test('samples of another kind than the stream’s', async (t) => {
  const stream = await duplex(t)
  const refused = (source: unknown, message: RegExp) =>
    fails(t, () => stream.playrec(source as Int16Array), 'ERR_PASTREAM_INVALID_ARGUMENT', message)
  await refused(new Float32Array(4), /int16 are Int16Array or bytes, not Float32Array/)
  await refused(new Int16Array(3), /frames/)
  await refused(new RingBuffer(2, 16), /frames of 2 bytes/)
  await refused(undefined, /path/)
  await refused(3, /a source is .*path/)
  await refused([1, 2, 3], /a source is .*typed array/)
  await refused({ path: 3 }, /path/)
  await fails(t, () => stream.record({ out: new Float32Array(4) }), 'ERR_PASTREAM_INVALID_ARGUMENT', /Float32Array/)
})

test('a side that is not open', async (t) => {
  await using input = await InputStream.open({ device: 'virtual:clock=free' })
  await fails(t, () => input.setSource(new Float32Array(2)), 'ERR_PASTREAM_INVALID_ARGUMENT', /does not play/)
  await using output = await OutputStream.open({ device: 'virtual:clock=free' })
  await fails(t, () => output.setSink(new RingBuffer(8, 2)), 'ERR_PASTREAM_INVALID_ARGUMENT', /does not record/)
  await fails(t, () => output.toFile('never.wav'), 'ERR_PASTREAM_INVALID_ARGUMENT', /does not record/)
  await t.throwsAsync(access('never.wav'))
})

test('a ring that is too late or too slow ends the stream where that is asked for', async (t) => {
  const abort = await duplex(t, { underrun: 'abort', device: 'virtual' })
  const ring = new RingBuffer(4, 1000)
  ring.write(noise('int16', 2 * 600))
  await abort.setSource(ring)
  await abort.start({ prebuffer: 600 })
  await fails(t, () => abort.wait(), 'ERR_PASTREAM_BUFFER_EMPTY')
  t.like(abort, { aborted: true, played: 600 })

  const full = await duplex(t, { overrun: 'abort', device: 'virtual:block=64' })
  const sink = new RingBuffer(4, 200)
  await full.setSink(sink)
  await full.start()
  await fails(t, () => full.wait(), 'ERR_PASTREAM_BUFFER_FULL', /200 frames/)
  t.is(sink.readAvailable, 200)
  t.is(full.frameCount, 200)
})

test('the first error of a run is thrown once, by whoever asks first; the next run starts clean', async (t) => {
  const sent = noise('int16', 2 * 100)
  const ask = {
    wait: (stream: DuplexStream) => stream.wait(),
    stop: (stream: DuplexStream) => stream.stop(),
    abort: (stream: DuplexStream) => stream.abort(),
    close: (stream: DuplexStream) => stream.close(),
  }
  for (const [name, call] of Object.entries(ask)) {
    const stream = await duplex(t)
    const told: string[] = []
    stream.on('error', (error) => told.push(error.code))
    const over = new Promise((resolve) => stream.once('finished', resolve))
    await stream.setSource(sent)
    await stream.start({ frames: 101 })
    await over
    await fails(t, () => call(stream), 'ERR_PASTREAM_BUFFER_EMPTY', /100 frames/)
    t.deepEqual(told, ['ERR_PASTREAM_BUFFER_EMPTY'], name)
    t.true(await stream.wait())
    if (name !== 'close') same(t, await stream.playrec(sent), sent)
  }
})

linux('an error of the reader thread ends the run and is thrown by the next call that waits', async (t) => {
  // It can be opened, but not be read.
  const deaf = await open('/dev/null', 'w')
  t.teardown(() => deaf.close())
  const file = { path: { fd: deaf.fd }, type: 'raw', encoding: 'pcm_16', channels: 2, sampleRate: RATE } as const
  const stream = await duplex(t)
  await stream.setSource(file)
  const run = async () => {
    await stream.start()
    await stream.wait()
  }
  await fails(t, run, 'ERR_PASTREAM_IO', /descriptor \d+.*Bad file descriptor/)
  t.true(await stream.wait())
  same(t, await stream.playrec(noise('int16', 20)), noise('int16', 20))
})

linux('an error of the writer thread ends the run; the other sink is complete', async (t) => {
  const path = await folder(t)
  const sent = noise('int16', 2 * 200_000)
  for (const type of ['wav', 'au', 'raw'] as const) {
    const stream = await duplex(t)
    await stream.setSource(sent)
    await stream.setSink([{ path: '/dev/full', type }, path(`${type}.wav`)])
    const run = async () => {
      await stream.start()
      await stream.wait()
    }
    await fails(t, run, 'ERR_PASTREAM_IO', /\/dev\/full.*[Nn]o space/)
    await using other = await SoundFile.open(path(`${type}.wav`))
    t.is(other.info.frames, stream.frameCount)
    t.true(await stream.wait())
  }
})

test('a lost device ends the stream; the file holds all until then', async (t) => {
  const path = await folder(t)
  const stream = await duplex(t, { device: 'virtual:clock=free:fault=lost@0.5' })
  const told: string[] = []
  stream.on('deviceLost', () => told.push('lost'))
  stream.on('finished', (outcome) => told.push(outcome))
  const sent = noise('int16', 2 * RATE)
  await stream.setSource(sent)
  await stream.toFile(path('take.wav'))
  await stream.start()
  await fails(t, () => stream.wait(), 'ERR_PASTREAM_DEVICE_LOST', /24000 frames/)
  t.deepEqual(told, ['lost', 'deviceLost'])
  const back = await duplex(t)
  same(t, await back.playrec(path('take.wav')), sent.subarray(0, RATE))
})

test('a recording that fails is not lost: the error brings what came until then', async (t) => {
  const sent = noise('int16', 2 * RATE)
  const stream = await duplex(t, { device: 'virtual:clock=free:fault=lost@0.5' })
  const failed = await t.throwsAsync(stream.playrec(sent), { instanceOf: PastreamError })
  t.is(failed.code, 'ERR_PASTREAM_DEVICE_LOST')
  same(t, failed.recording ?? new Int16Array(), sent.subarray(0, RATE))

  const out = new Int16Array(2 * RATE).fill(7)
  const other = await duplex(t, { device: 'virtual:clock=free:fault=lost@0.25' })
  const again = await t.throwsAsync(other.playrec(sent, { out }), { instanceOf: PastreamError })
  t.is(again.recording, out)
  same(t, out, concat(sent.subarray(0, RATE / 2) as Int16Array, new Int16Array(1.5 * RATE).fill(7)))
})

test('an xrun ends the run where that is asked, and what came is kept', async (t) => {
  const sent = noise('int16', 2 * RATE)
  const device = 'virtual:block=480:fault=xrun@0.1'
  const stream = await duplex(t, { device, xrun: 'abort' })
  const failed = await t.throwsAsync(stream.playrec(sent), { instanceOf: PastreamError })
  t.is(failed.code, 'ERR_PASTREAM_XRUN')
  t.regex(failed.message, /inputOverflow, outputUnderflow at frame 4800/)
  t.true(stream.aborted && stream.frameCount < RATE)
  same(t, failed.recording ?? new Int16Array(), sent.subarray(0, 2 * stream.frameCount))
  const counting = await duplex(t, { device })
  same(t, await counting.playrec(sent.subarray(0, 20_000)), sent.subarray(0, 20_000))
  t.is(counting.xruns, 1)
})
