import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { PassThrough, pipeline, Readable, Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import test from 'ava'
import { PastreamError, RingBuffer, SoundFile, thread, type Sink, type StreamView } from 'pastream-rs'
import { bytes, concat, duplex, fails, folder, noise, RATE, same, silence } from '../support.ts'

const FRAMES = 20_000
const SENT = noise('int16', 2 * FRAMES) as Int16Array
const keep = new URL('../hooks/keep.js', import.meta.url)
const late = new URL('../hooks/late.js', import.meta.url)

/** A function that takes all that comes in parts of at most `step` frames. */
function taker(step: number) {
  const taken: Int16Array[] = []
  const sink = async (_: StreamView, ring: RingBuffer<'int16'>): Promise<void> => {
    while ((await ring.readable(step)) > 0) taken.push(ring.read(step))
  }
  return { sink, all: () => concat(new Int16Array(), ...taken) }
}

test('a function takes what is recorded, bit for bit', async (t) => {
  const stream = await duplex(t)
  const taken = taker(333)
  await stream.setSink(taken.sink, { bufferSize: 1000 })
  await stream.play(SENT)
  same(t, taken.all(), SENT)
  await stream.play(SENT)
  same(t, taken.all(), concat(SENT, SENT))
})

test('a Writable and a web WritableStream get bytes, at their own pace, and their end', async (t) => {
  const path = await folder(t)
  const stream = await duplex(t)
  const through = new PassThrough({ highWaterMark: 100 })
  const slow: Buffer[] = []
  const writable = new Writable({
    highWaterMark: 1,
    write(chunk: Buffer, _, done) {
      slow.push(chunk)
      setImmediate(done)
    },
  })
  const web: Uint8Array[] = []
  let ended = false
  const sinks: Sink[] = [
    createWriteStream(path('out.raw')),
    through,
    writable,
    new WritableStream<Uint8Array>({ write: (chunk) => void web.push(chunk), close: () => void (ended = true) }),
  ]
  await stream.setSink(sinks, { bufferSize: 1000 })
  const read = buffer(through)
  await stream.play(SENT)
  same(t, await readFile(path('out.raw')), SENT)
  same(t, await read, SENT)
  same(t, Buffer.concat(slow), SENT)
  same(t, Buffer.concat(web), SENT)
  t.true(ended)
  await fails(t, () => stream.play(SENT), 'ERR_PASTREAM_STREAM_STATE', /set sinks anew/)
})

test('a file, chunks, a ring and a meter at once, each with its own losses', async (t) => {
  const path = await folder(t)
  const stream = await duplex(t)
  const [taken, ring] = [taker(100), new RingBuffer(4, FRAMES)]
  const peaks: number[] = []
  const meter = async (_: StreamView, frames: RingBuffer<'int16'>): Promise<void> => {
    while ((await frames.readable(480)) > 0) peaks.push(Math.max(...frames.read(480).map(Math.abs)))
  }
  await stream.setSink([path('take.wav'), meter, taken.sink, ring])
  const chunks: Int16Array[] = []
  for await (const chunk of stream.chunks({ size: 512, playback: SENT, pad: 0 }))
    chunks.push(chunk.slice() as Int16Array)
  for (const got of [concat(new Int16Array(), ...chunks), taken.all(), ring.read()]) same(t, got, SENT)
  t.is(peaks.length, Math.ceil(FRAMES / 480))
  await using file = await SoundFile.open(path('take.wav'))
  t.is(file.info.frames, FRAMES)
})

test('frames that a slow sink lost are counted, and silence in a stream of bytes', async (t) => {
  const stream = await duplex(t, { device: 'virtual', channels: 1 })
  let free = (): void => {}
  const writable = new Writable({
    highWaterMark: 1,
    write(chunk: Buffer, _, done) {
      parts.push(chunk)
      if (parts.length === 1) free = done
      else done()
    },
  })
  const parts: Buffer[] = []
  const fast = new RingBuffer(2, RATE)
  await stream.setSink([writable, fast], { bufferSize: 600 })
  const sent = Int16Array.from({ length: 9600 }, (_, index) => index + 1)
  await stream.setSource(sent)
  const gap = new Promise((resolve) => stream.once('gap', resolve))
  await stream.start()
  await gap
  free()
  await stream.wait()
  same(t, fast.read(), sent)
  const got = new Int16Array(Uint8Array.from(Buffer.concat(parts)).buffer)
  const { count, frames } = stream.gaps
  t.true(count >= 1 && frames > 0)
  t.is(got.length, sent.length)
  t.is(got.filter((sample) => sample === 0).length, frames)
  t.true(got.every((sample, index) => sample === 0 || sample === index + 1))
})

test('what goes wrong in a sink aborts the run and is thrown once, with its cause', async (t) => {
  const mine = new RangeError('mine')
  const broken: Record<string, () => Sink> = {
    function: () => () => {
      throw mine
    },
    'async function': () => async (_: StreamView, ring: RingBuffer<'int16'>) => {
      await ring.readable(100)
      throw mine
    },
    writable: () => new Writable({ write: (_chunk, _encoding, done) => done(mine) }),
    'web stream': () =>
      new WritableStream({
        write() {
          throw mine
        },
      }),
  }
  for (const [name, sink] of Object.entries(broken)) {
    const path = await folder(t)
    const stream = await duplex(t)
    await stream.setSource(SENT, { loop: true })
    await stream.setSink([sink(), path('take.wav')])
    const run = async () => {
      await stream.start()
      await stream.wait()
    }
    const error = await t.throwsAsync(run, { instanceOf: PastreamError }, name)
    t.is(error.code, 'ERR_PASTREAM_IO')
    t.regex(error.message, /^the (sink|stream that is recorded to) failed: mine$/)
    t.is(error.cause, mine)
    t.true(await stream.wait())
    // The other one is complete, where there was anything to record.
    if (stream.frameCount === 0) continue
    await using file = await SoundFile.open(path('take.wav'))
    t.is(file.info.frames, stream.frameCount)
  }
})

test('a Writable that is closed before its end is told', async (t) => {
  const stream = await duplex(t)
  await stream.setSource(SENT, { loop: true })
  const writable = new Writable({ write: (_chunk, _encoding, done) => setImmediate(done) })
  await stream.setSink(writable)
  await stream.start()
  writable.destroy()
  await fails(t, () => stream.wait(), 'ERR_PASTREAM_IO', /Premature close/)
})

test('a Writable that is closed already, or that fails when it is closed, is told', async (t) => {
  const stream = await duplex(t)
  const gone = new Writable({ write: (_chunk, _encoding, done) => done() })
  gone.destroy()
  await stream.setSink(gone)
  await fails(t, () => stream.play(SENT), 'ERR_PASTREAM_IO', /Premature close/)
  const mine = new RangeError('mine')
  const late = new Writable({
    write: (_chunk, _encoding, done) => done(),
    destroy: (_error, done) => setImmediate(done, mine),
  })
  await stream.setSink(late)
  const error = await t.throwsAsync(stream.play(SENT), { instanceOf: PastreamError })
  t.is(error.cause, mine)
  for (const name of ['error', 'drain', 'close', 'finish']) t.is(late.listenerCount(name), 0, name)
})

test('a Writable that is stuck holds the end of a run, and an abort ends that', async (t) => {
  const stream = await duplex(t)
  const stuck = new Writable({ highWaterMark: 1, write() {} })
  await stream.setSink(stuck)
  await stream.setSource(SENT.subarray(0, 100))
  await stream.start()
  t.false((await stream.wait({ timeout: 0 })) && !stream.active)
  await fails(t, () => stream.abort(), 'ERR_PASTREAM_STREAM_STATE', /has not returned 5 s after .* was terminated/)
  t.true(stuck.destroyed)
  t.false(stream.active)
})

test('what can be no sink leaves none behind', async (t) => {
  const path = await folder(t)
  const stream = await duplex(t)
  for (const wrong of [3, null, {}, [1]]) {
    const set = () => stream.setSink([path('first.wav'), wrong as unknown as Sink])
    await fails(t, set, 'ERR_PASTREAM_INVALID_ARGUMENT', /a sink is a path/)
  }
  await stream.play(SENT)
  await t.throwsAsync(readFile(path('first.wav')), { code: 'ENOENT' })
})

test('a thread whose module takes longer to load than its ring lasts loses no frame', async (t) => {
  const stream = await duplex(t, { device: 'virtual' })
  const memory = new SharedArrayBuffer(4 + SENT.byteLength)
  await stream.setSource(SENT)
  await stream.setSink(thread(late, { args: [memory] }), { bufferSize: 4800 })
  await stream.start()
  await stream.wait()
  same(t, new Int16Array(memory, 4), SENT)
  t.is(stream.gaps.frames, 0)

  // Nobody waits for one that never comes.
  await stream.setSink(thread(new URL('../hooks/missing.js', import.meta.url)))
  await fails(t, () => stream.play(SENT), 'ERR_PASTREAM_IO', /missing/)
})

test('a worker thread records; what it leaves is no loss; what goes wrong in it is thrown', async (t) => {
  const stream = await duplex(t)
  const memory = new SharedArrayBuffer(4 + SENT.byteLength)
  const kept = () => new Int16Array(memory.slice(4))
  await stream.setSink(thread(keep, { args: [memory] }))
  await stream.play(SENT)
  same(t, kept(), SENT)
  new Int16Array(memory).fill(0)
  await stream.setSink(thread(keep, { args: [memory, 'some'] }), { bufferSize: 1000 })
  await stream.play(SENT)
  const [count = 0] = new Int32Array(memory, 0, 1)
  t.true(count > 0 && count < SENT.length)
  same(t, kept(), concat(SENT.subarray(0, count), silence('int16', SENT.length - count) as Int16Array))
  t.deepEqual(stream.gaps, { count: 0, frames: 0, starved: 0, starvations: 0 })
  await stream.setSink(thread(keep, { args: [memory, 'throw'] }))
  await fails(t, () => stream.play(SENT), 'ERR_PASTREAM_IO', /keep\.js failed: the sink broke/)
})

const piped = promisify(pipeline)

test('readable, writable and duplex are streams of Node’s', async (t) => {
  const stream = await duplex(t)
  await stream.setSource(SENT)
  const readable = stream.readable({ bufferSize: 900 })
  t.false(stream.active)
  same(t, await buffer(readable), SENT)
  t.true(stream.finished)

  const ring = new RingBuffer(4, FRAMES)
  await stream.setSink(ring)
  await piped(
    async function* odd() {
      const all = Buffer.from(bytes(SENT))
      for (let at = 0; at < all.length; at += 999) yield all.subarray(at, at + 999)
    },
    stream.writable({ bufferSize: 900 }),
  )
  same(t, ring.read(), SENT)
  await stream.setSink(null)

  const both = stream.duplex({ bufferSize: 900 })
  both.end(Buffer.from(bytes(SENT)))
  same(t, await buffer(both), SENT)
})

test('and their twins those of the web', async (t) => {
  const stream = await duplex(t)
  await stream.setSource(SENT)
  same(t, await buffer(stream.webReadable()), SENT)
  const ring = new RingBuffer(4, FRAMES)
  await stream.setSink(ring)
  const writer = stream.webWritable().getWriter()
  await writer.write(SENT)
  await writer.close()
  same(t, ring.read(), SENT)
  await stream.setSink(null)
  const { readable, writable } = stream.webDuplex()
  const back = buffer(readable)
  const into = writable.getWriter()
  await into.write(SENT)
  await into.close()
  same(t, await back, SENT)
})

test('a stream that is destroyed ends the run; a run that fails, the stream', async (t) => {
  const stream = await duplex(t)
  await stream.setSource(SENT, { loop: true })
  const readable = stream.readable()
  for await (const chunk of readable) if ((chunk as Buffer).length > 0) break
  await stream.wait()
  t.false(stream.active)

  const lost = await duplex(t, { device: 'virtual:clock=free:fault=lost@0.1' })
  await lost.setSource(SENT)
  await fails(t, () => buffer(lost.readable()), 'ERR_PASTREAM_DEVICE_LOST')
  const again = await duplex(t, { device: 'virtual:clock=free:fault=lost@0.1' })
  await fails(t, () => piped(() => [SENT], again.writable()), 'ERR_PASTREAM_DEVICE_LOST')
})

test('a pipeline into a stream ends when the run does, and the run when the pipeline does', async (t) => {
  const stream = await duplex(t)
  const endless = () =>
    Readable.from(
      (function* all() {
        for (;;) yield Buffer.from(bytes(SENT))
      })(),
    )
  const enough = /the run is over/
  await fails(t, () => piped(endless(), stream.writable({ frames: 1000 })), 'ERR_PASTREAM_STREAM_STATE', enough)
  t.is(stream.played, 1000)
  const stopped = piped(endless(), stream.writable())
  stopped.catch(() => {})
  while (!stream.active || stream.frameCount === 0) await new Promise((resolve) => setImmediate(resolve))
  await stream.stop()
  await fails(t, () => stopped, 'ERR_PASTREAM_STREAM_STATE', enough)

  const mine = new RangeError('mine')
  const broken = async function* broken() {
    yield SENT
    throw mine
  }
  t.is(await t.throwsAsync(piped(broken, stream.writable())), mine)
  t.true(await stream.wait())
  t.like(stream, { active: false, aborted: true })
  const writable = stream.webWritable().getWriter()
  await writable.write(SENT)
  await writable.abort(mine)
  t.true(await stream.wait())
  t.false(stream.active)
  const both = stream.duplex()
  both.write(Buffer.from(bytes(SENT)))
  await once(both, 'data')
  // Node tells a pair that is destroyed so.
  both.on('error', (error) => t.is(error.name, 'AbortError'))
  both.destroy()
  await new Promise((resolve) => both.once('close', resolve))
  t.true(await stream.wait())
  t.false(stream.active)
  same(t, await stream.playrec(SENT), SENT)
})
