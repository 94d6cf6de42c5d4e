import { createReadStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import test from 'ava'
import { generators, PastreamError, RingBuffer, thread, type Samples, type Source, type StreamView } from 'pastream-rs'
import { bytes, concat, duplex, fails, folder, noise, RATE, same, silence } from '../support.ts'

const FRAMES = 20_000
const SENT = noise('int16', 2 * FRAMES) as Int16Array
const tone = new URL('../hooks/tone.js', import.meta.url)

/** Parts of `SENT` of many lengths. */
function* parts(): Generator<Int16Array, void, undefined> {
  for (let [at, step] = [0, 2]; at < SENT.length; at += step, step = ((step * 7) % 2000) + 2 - (step % 2)) {
    yield SENT.subarray(at, at + step)
  }
}

/** The bytes of `SENT` in parts that are no whole frames. */
function* odd(): Generator<Buffer, void, undefined> {
  const all = Buffer.from(bytes(SENT))
  for (let at = 0; at < all.length; at += 1001) yield all.subarray(at, at + 1001)
}

const kinds: Record<string, () => Source> = {
  'a generator object': () => parts(),
  'a generator function': () => parts,
  'an async generator': () =>
    (async function* later() {
      for (const part of parts()) {
        await new Promise((resolve) => setImmediate(resolve))
        yield part
      }
    })(),
  'an array of arrays': () => [...parts()],
  'a Readable of bytes': () => Readable.from(odd()),
  'a web ReadableStream': () => Readable.toWeb(Readable.from(odd())) as unknown as ReadableStream,
  'an async function': () => async (_: StreamView, ring: RingBuffer<'int16'>) => {
    for (const part of parts()) {
      for (let rest = part; rest.length > 0;) {
        rest = rest.subarray(2 * ring.write(rest))
        if (rest.length > 0) await ring.writable(1)
      }
    }
  },
}

for (const [name, source] of Object.entries(kinds)) {
  test(`${name} is played, bit for bit`, async (t) => {
    const stream = await duplex(t)
    same(t, await stream.playrec(source(), { frames: FRAMES, bufferSize: 700 }), SENT)
    same(t, await stream.playrec(source(), { out: new Int16Array(SENT.length) }), SENT)
    t.like(stream, { frameCount: FRAMES, played: FRAMES, active: false })
  })
}

test('a file of Node’s is a stream of bytes', async (t) => {
  const path = await folder(t)
  await writeFile(path('in.raw'), bytes(SENT))
  const stream = await duplex(t)
  same(t, await stream.playrec(createReadStream(path('in.raw')), { frames: FRAMES }), SENT)
})

test('a generator of the library knows rate, channels and format of the stream', async (t) => {
  const stream = await duplex(t, { channels: 1, format: 'float32' })
  const tone = generators.take(generators.sine(480), { frames: 3000 })
  const [...chunks] = Array.from(tone(stream), (chunk) => chunk.slice())
  same(t, await stream.playrec(tone, { frames: 3000 }), concat(...(chunks as [Float32Array])))
})

test('what can be gone through again plays again, and loops; what can’t is refused', async (t) => {
  const stream = await duplex(t)
  for (const again of [parts, [...parts()]]) {
    await stream.setSource(again)
    for (let round = 0; round < 2; round++) {
      await stream.start()
      await stream.wait()
      t.is(stream.played, FRAMES)
    }
    same(t, await stream.playrec(again, { loop: true, frames: 3 * FRAMES }), concat(SENT, SENT, SENT))
  }
  for (const once of [parts(), Readable.from(odd())]) {
    await fails(
      t,
      () => stream.setSource(once, { loop: true }),
      'ERR_PASTREAM_INVALID_ARGUMENT',
      /read once.*generator/,
    )
    await stream.setSource(once)
    await stream.start()
    await stream.wait()
    t.is(stream.played, FRAMES)
    await fails(t, () => stream.start(), 'ERR_PASTREAM_STREAM_STATE', /read once/)
  }
  await fails(
    t,
    () => stream.playrec(() => [], { loop: true, frames: 5 }),
    'ERR_PASTREAM_INVALID_ARGUMENT',
    /no frames/,
  )
})

test('what goes wrong in a source aborts the run and is thrown once, with its cause', async (t) => {
  const mine = new RangeError('mine')
  const broken: Record<string, Source> = {
    function: () => {
      throw mine
    },
    'async function': async () => {
      throw mine
    },
    generator: (function* broken() {
      yield new Int16Array(2)
      throw mine
    })(),
    readable: new Readable({ read: (): void => void stalled.destroy(mine) }),
  }
  const stalled = broken['readable'] as Readable
  for (const [name, source] of Object.entries(broken)) {
    const stream = await duplex(t)
    const told: unknown[] = []
    stream.on('error', (error) => told.push(error))
    await stream.setSource(source)
    const run = async () => {
      await stream.start()
      await stream.wait()
    }
    const error = await t.throwsAsync(run, { instanceOf: PastreamError }, name)
    t.is(error.code, 'ERR_PASTREAM_IO')
    t.regex(error.message, /^the source failed: mine$/)
    t.is(error.cause, mine)
    t.deepEqual(told, [error])
    t.like(stream, { aborted: true, active: false })
    t.true(await stream.wait())
    same(t, await stream.playrec(SENT), SENT)
  }
})

test('bytes that end in the middle of a frame, and what is no samples', async (t) => {
  const stream = await duplex(t)
  const refused = (source: Source, message: RegExp) =>
    fails(t, () => stream.play(source), 'ERR_PASTREAM_INVALID_ARGUMENT', message)
  await refused(Readable.from([Buffer.alloc(10)]), /middle of a frame, after 2 bytes of 4/)
  await refused([new Float32Array(2)], /int16 are Int16Array or bytes, not Float32Array/)
  await refused(
    (function* numbers() {
      yield 3 as unknown as Samples
    })(),
    /samples are a typed array/,
  )
})

test('a source that hangs when the run is over is left alone, and nothing waits for it', async (t) => {
  const stream = await duplex(t)
  async function* hanging() {
    yield SENT
    await new Promise(() => {})
  }
  const readable = new Readable({ read() {} })
  readable.push(Buffer.from(bytes(SENT)))
  for (const source of [hanging(), readable]) {
    same(t, await stream.playrec(source, { frames: 1000 }), SENT.subarray(0, 2000))
  }
  t.true(readable.destroyed)
})

test('prebuffer waits for the first part', async (t) => {
  const stream = await duplex(t, { device: 'virtual' })
  let give = (): void => {}
  const asked = new Promise<void>((resolve) => (give = resolve))
  async function* late() {
    await asked
    yield SENT.subarray(0, 2000)
  }
  await stream.setSource(late())
  const ring = new RingBuffer(4, RATE)
  await stream.setSink(ring)
  let started = false
  const starting = stream.start().then(() => (started = true))
  await new Promise((resolve) => setImmediate(resolve))
  t.false(started)
  t.is(stream.frameCount, 0)
  give()
  await starting
  await stream.wait()
  t.is(stream.played, 1000)
  // No block was without its frames, the first one neither.
  same(t, ring.read(500), SENT.subarray(0, 1000))
})

test('a worker thread plays, knows its stream, and is started at each start', async (t) => {
  const stream = await duplex(t, { channels: 1 })
  const counted = Int16Array.from({ length: 5000 }, (_, index) => index)
  const source = thread(tone, { args: [5000, 'state'] })
  for (let round = 0; round < 2; round++) same(t, await stream.playrec(source, { frames: 5000 }), counted)
  same(t, await stream.playrec(source, { frames: 7000, loop: true }), concat(counted, counted.subarray(0, 2000)))
  // It ends early where its ring is closed.
  same(t, await stream.playrec(source, { frames: 100 }), counted.subarray(0, 100))
})

test('what goes wrong in a worker thread aborts the run and is thrown, with its cause', async (t) => {
  const stream = await duplex(t, { channels: 1 })
  const error = await t.throwsAsync(stream.play(thread(tone, { args: [1, 'throw'] })), { instanceOf: PastreamError })
  t.is(error.code, 'ERR_PASTREAM_IO')
  t.regex(error.message, /^the source in file:.*tone\.js failed: the tone broke$/)
  t.true(error.cause instanceof RangeError)
  const missing = new URL('missing.js', tone)
  await fails(t, () => stream.play(thread(missing)), 'ERR_PASTREAM_IO', /missing\.js failed: .*[Cc]annot find module/)
  const support = new URL('../random.js', import.meta.url)
  await fails(t, () => stream.play(thread(support)), 'ERR_PASTREAM_IO', /default export is no function/)
  await fails(t, () => thread('tone.js'), 'ERR_PASTREAM_INVALID_ARGUMENT', /no URL/)
  t.like(stream, { active: false })
})

test('a worker thread that leaves before it returned ends the run, and that is told', async (t) => {
  const stream = await duplex(t, { channels: 1, device: 'virtual' })
  const leaving = stream.play(thread(tone, { args: [1, 'leave'] }))
  await fails(t, () => leaving, 'ERR_PASTREAM_IO', /tone\.js failed: its thread ended with status 3 before it returned/)
  await fails(
    t,
    () => thread(tone, { args: [() => {}] }),
    'ERR_PASTREAM_INVALID_ARGUMENT',
    /args can't go to another thread/,
  )
})

test('many short passes of a loop cost no more each than the first ones', async (t) => {
  const stream = await duplex(t, { channels: 1 })
  const part = Int16Array.from({ length: 64 }, (_, index) => index)
  const times: number[] = []
  for (const passes of [2000, 20_000]) {
    const before = performance.now()
    const got = await stream.playrec(() => [part], { loop: true, frames: 64 * passes })
    times.push((performance.now() - before) / passes)
    t.true(got.every((sample, index) => sample === index % 64))
  }
  const [few = 0, many = 0] = times
  // Ten times as many were a hundred times as dear where each left something behind.
  t.true(many < 5 * few + 0.05, times.join())
})

test('a source that is never waited for lets timers have their turn', async (t) => {
  const stream = await duplex(t, { channels: 1 })
  const part = new Int16Array(16)
  await stream.setSource(function* endless() {
    for (;;) yield part
  })
  await stream.start()
  const before = stream.frameCount
  await new Promise<void>((resolve) => {
    let turns = 0
    const timer = setInterval(() => {
      if (++turns < 5) return
      clearInterval(timer)
      resolve()
    }, 1)
  })
  t.true(stream.frameCount > before)
  await stream.abort()
})

test('a worker thread that does not return is terminated after five seconds, and that is told', async (t) => {
  const stream = await duplex(t, { channels: 1, device: 'virtual' })
  await stream.setSource(thread(tone, { args: [1, 'hang'] }))
  const before = performance.now()
  await stream.start({ frames: 10, pad: -1, prebuffer: false })
  await fails(
    t,
    () => stream.wait(),
    'ERR_PASTREAM_STREAM_STATE',
    /tone\.js has not returned 5 s after .* was terminated/,
  )
  t.true(performance.now() - before >= 5000)
  same(t, await stream.playrec(silence('int16', 3)), silence('int16', 3))
})

test('a ring has room for what the device asks for at once, and one that has not is refused', async (t) => {
  const stream = await duplex(t, { device: 'virtual:block=40000', channels: 1 })
  let frames = 0
  const source = (_: StreamView, ring: RingBuffer<'int16'>): void => void (frames = ring.length)
  await stream.play(source)
  t.is(frames, 80_000)
  await stream.setSource(source, { bufferSize: 39_999 })
  await fails(
    t,
    () => stream.start(),
    'ERR_PASTREAM_INVALID_ARGUMENT',
    /holds 39999 frames, and device .* asks for up to 40000 at once/,
  )
  await stream.play(source, { bufferSize: 40_000 })
  t.is(frames, 40_000)
})
