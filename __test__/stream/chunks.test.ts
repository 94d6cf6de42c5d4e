import test from 'ava'
import { InputStream, type SampleArray } from 'pastream-rs'
import { bytes, concat, duplex, fails, FORMATS, noise, RATE, same, silence } from '../support.ts'

test('chunks of one size, the last one short', async (t) => {
  for (const format of FORMATS) {
    const stream = await duplex(t, { format, device: 'virtual:clock=free:block=1..500' })
    const sent = noise(format, 2 * 10_007)
    const parts: SampleArray[] = []
    const lengths = new Set<number>()
    const chunks = stream.chunks({ size: 250, playback: sent, pad: 0, bufferSize: 777 })
    for await (const chunk of chunks) {
      t.is(chunk.constructor, sent.constructor)
      t.is(chunks.frame, 250 * parts.length)
      lengths.add(chunk.byteLength)
      parts.push(chunk.slice())
    }
    same(t, concat(silence(format, 0), ...parts), sent, format)
    t.deepEqual(lengths.size, 2)
    t.is(parts.length, 41)
    t.is(chunks.lost, 0)
  }
})

test('chunks of bytes', async (t) => {
  const stream = await duplex(t)
  const sent = Buffer.from(bytes(noise('int16', 2 * 3000)))
  const parts: SampleArray[] = []
  for await (const chunk of stream.chunks({ size: 128, playback: sent, pad: 0 })) parts.push(chunk.slice())
  same(t, concat(silence('int16', 0), ...parts), sent)
})

test('without a size, whatever is there', async (t) => {
  const stream = await duplex(t, { device: 'virtual:clock=free:block=1..500' })
  t.is(stream.blockSize, 0)
  const sent = noise('int16', 2 * 20_000)
  const parts: SampleArray[] = []
  for await (const chunk of stream.chunks({ playback: sent, pad: 0 })) parts.push(chunk.slice())
  same(t, concat(silence('int16', 0), ...parts), sent)
})

test('without a size, the block size of the stream', async (t) => {
  const stream = await duplex(t, { device: 'virtual:clock=free:block=96' })
  const lengths: number[] = []
  for await (const chunk of stream.chunks({ frames: 200 })) lengths.push(chunk.length / 2)
  t.deepEqual(lengths, [96, 96, 8])
})

test('overlapping chunks begin with silence and repeat the end of the one before', async (t) => {
  for (const [format, size, overlap] of [
    ['int16', 400, 100],
    ['uint8', 64, 63],
    ['float32', 512, 256],
  ] as const) {
    const stream = await duplex(t, { format, device: 'virtual:clock=free:block=1..500' })
    const sent = noise(format, 2 * 5000)
    const whole = concat(silence(format, 2 * overlap), sent)
    const step = size - overlap
    let count = 0
    const chunks = stream.chunks({ size, overlap, playback: sent, pad: 0, bufferSize: 1000 })
    for await (const chunk of chunks) {
      const at = count * step
      const width = whole.length / (5000 + overlap)
      same(t, chunk, whole.subarray(at * width, (at + size) * width), `${format} at ${at}`)
      t.is(chunks.frame, at - overlap)
      count += 1
    }
    t.is(count, Math.ceil(5000 / step))
  }
})

test('frames, pad and offset of chunks', async (t) => {
  const stream = await duplex(t)
  const sent = noise('int16', 2 * 1000)
  const read = async (options: Parameters<typeof stream.chunks>[0]) => {
    const parts: SampleArray[] = []
    for await (const chunk of stream.chunks({ size: 77, playback: sent, ...options })) parts.push(chunk.slice())
    return concat(silence('int16', 0), ...parts)
  }
  same(t, await read({ frames: 300, offset: 40 }), sent.subarray(80, 600))
  same(t, await read({ frames: 1200 }), concat(sent, silence('int16', 2 * 200)))
  same(t, await read({ pad: 30, offset: 999 }), concat(sent.subarray(2 * 999), silence('int16', 2 * 30)))
  same(t, await read({ frames: 2500, loop: true }), concat(sent, sent, sent).subarray(0, 2 * 2500))
  await fails(t, () => read({ frames: 1200, pad: 0 }), 'ERR_PASTREAM_BUFFER_EMPTY')
})

test('with neither frames nor pad they go on until the loop is left, which stops the stream', async (t) => {
  const stream = await duplex(t)
  const sent = noise('int16', 2 * 1000)
  let seen = 0
  const chunks = stream.chunks({ size: 100, playback: sent })
  for await (const chunk of chunks) {
    const expected = seen < 1000 ? sent.subarray(2 * seen, 2 * seen + 200) : silence('int16', 200)
    same(t, chunk, expected)
    seen += 100
    if (seen === 3000) break
  }
  t.true(stream.stopped)
  t.true(stream.finished)
  t.false(stream.aborted)
  t.deepEqual(await chunks.next(), { done: true, value: undefined })
  same(t, await stream.playrec(sent), sent)
})

test('an exception in the loop stops the stream and reaches the caller', async (t) => {
  const stream = await duplex(t)
  const mine = new Error('mine')
  const error = await t.throwsAsync(async () => {
    for await (const chunk of stream.chunks({ size: 64 })) {
      if (chunk.length > 0) throw mine
    }
  })
  t.is(error, mine)
  t.false(stream.active)
  t.true(await stream.wait())
})

test('a view lies in the ring until the next step', async (t) => {
  const stream = await duplex(t, { device: 'virtual:clock=free:block=64' })
  const sent = noise('int16', 2 * 640)
  for await (const chunk of stream.chunks({ size: 64, bufferSize: 640, playback: sent, pad: 0 })) {
    t.true(chunk.buffer instanceof SharedArrayBuffer)
  }
})

test('a loop that is too slow is told what it lost, and where', async (t) => {
  await using stream = await InputStream.open({
    device: 'virtual:block=48',
    sampleRate: RATE,
    channels: 1,
    format: 'int16',
  })
  const gaps: number[] = []
  stream.on('gap', ({ side, cause, length }) => {
    t.deepEqual([side, cause], ['recording', 'full'])
    gaps.push(length)
  })
  const chunks = stream.chunks({ size: 480, bufferSize: 960, frames: 24_000 })
  const nap = new Int32Array(new SharedArrayBuffer(4))
  let [frames, lost, end] = [0, 0, 0]
  for await (const chunk of chunks) {
    // The event loop is blocked for longer than the ring lasts.
    if (frames === 0) Atomics.wait(nap, 0, 0, 100)
    frames += chunk.length
    lost += chunks.lost
    t.true(chunks.frame >= end)
    end = chunks.frame + chunk.length
  }
  t.true(lost > 0)
  t.is(chunks.lost, stream.gaps.frames)
  t.is(frames + stream.gaps.frames, 24_000)
  t.is(
    gaps.reduce((sum, length) => sum + length, 0),
    stream.gaps.frames,
  )
})

test('a device that goes away ends the loop with its error, after what came before', async (t) => {
  await using stream = await InputStream.open({
    device: 'virtual:clock=free:fault=lost@0.1',
    sampleRate: RATE,
    channels: 1,
    format: 'int16',
  })
  let frames = 0
  const work = async (): Promise<void> => {
    for await (const chunk of stream.chunks({ size: 1000 })) frames += chunk.length
  }
  await fails(t, work, 'ERR_PASTREAM_DEVICE_LOST', /4800 frames/)
  t.is(frames, 4800)
})

test('what can be no chunk', async (t) => {
  const stream = await duplex(t, { device: 'virtual:clock=free:block=1..500' })
  const refused = (options: object, message: RegExp) =>
    fails(t, () => stream.chunks(options).next(), 'ERR_PASTREAM_INVALID_ARGUMENT', message)
  await refused({ size: 100, overlap: 100 }, /overlap 100 is not below the size 100/)
  await refused({ overlap: 10 }, /an overlap needs a size/)
  await refused({ size: 0 }, /size is 0/)
  await refused({ size: 1.5 }, /size is 1.5/)
  await refused({ size: 10, overlap: -1 }, /overlap is -1/)
  await refused({ size: 10, bufferSize: Number.NaN }, /bufferSize is NaN/)
  await refused({ size: 10, offset: -5 }, /offset is -5/)
  await refused({ size: 10, frames: 3, offset: 5 }, /offset 5 is beyond the end at 3 frames/)
})

test('chunks by channel, the last one filled up, in memory of the caller', async (t) => {
  for (const format of FORMATS) {
    const stream = await duplex(t, { format, channels: [3, 3], device: 'virtual:clock=free:block=1..500' })
    const [sent, width] = [noise(format, 3 * 1000), format === 'int24' ? 3 : 1]
    const padded = concat(sent, silence(format, 3 * 56))
    const planes: SampleArray[][] = [[], [], []]
    const cut = { size: 96, playback: sent, pad: 0, padLast: true, bufferSize: 250 }
    for await (const chunk of stream.chunks({ ...cut, planar: true })) {
      t.is(chunk.length, 3)
      for (const [channel, plane] of chunk.entries()) {
        t.is(plane.length, 96 * width)
        planes[channel]?.push(plane.slice())
      }
    }
    const [first, second, third] = planes.map((parts) => concat(silence(format, 0), ...parts))
    if (!first || !second || !third) return t.fail()
    const joined = padded.slice()
    for (let at = 0; at < joined.length; at++) {
      const [frame, channel, byte] = [Math.floor(at / (3 * width)), Math.floor(at / width) % 3, at % width]
      joined[at] = [first, second, third][channel]?.[frame * width + byte] ?? 0
    }
    same(t, joined, padded, format)

    // The size is that of `out`.
    const out = silence(format, 3 * 96)
    const parts: SampleArray[] = []
    for await (const chunk of stream.chunks({ playback: sent, pad: 0, out, bufferSize: 250 })) {
      t.is(chunk.buffer, out.buffer)
      parts.push(chunk.slice())
    }
    same(t, concat(silence(format, 0), ...parts), sent, format)
  }
})

test('chunks tell their time, and what can’t go together', async (t) => {
  const stream = await duplex(t)
  const chunks = stream.chunks({ size: 480, frames: 2000, offset: 100, overlap: 240 })
  const times: number[] = []
  for await (const chunk of chunks) if (chunk.length > 0) times.push(chunks.time)
  t.deepEqual(
    times,
    Array.from(times, (_, index) => (100 - 240 + 240 * index) / RATE),
  )
  t.is(times.length, 8)
  const refused = (options: object, message: RegExp) =>
    fails(t, () => stream.chunks(options).next(), 'ERR_PASTREAM_INVALID_ARGUMENT', message)
  await refused({ out: new Int16Array(8), size: 5 }, /`out` holds 4 frames, a chunk has 5/)
  await refused({ out: new Int16Array(8), planar: true }, /`planar`/)
  await refused({ out: new Float32Array(8) }, /Float32Array/)
  const varying = await duplex(t, { device: 'virtual:clock=free:block=1..500' })
  await fails(t, () => varying.chunks({ padLast: true }), 'ERR_PASTREAM_INVALID_ARGUMENT', /needs a size/)
})
