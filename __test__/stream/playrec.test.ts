import test from 'ava'
import { InputStream, OutputStream } from 'pastream-rs'
import { bytes, concat, duplex, fails, FORMATS, noise, randoms, RATE, same, silence } from '../support.ts'

for (const format of FORMATS) {
  test(`${format}: what is played comes back bit for bit`, async (t) => {
    for (const [channels, block] of [
      [1, '512'],
      [2, '1..700'],
      [7, '64'],
    ] as const) {
      const stream = await duplex(t, { device: `virtual:clock=free:block=${block}`, channels, format })
      const sent = noise(format, 9973 * channels)
      const take = await stream.playrec(sent)
      t.is(take.constructor, sent.constructor)
      same(t, take, sent)
      t.is(stream.frameCount, 9973)
      t.is(stream.played, 9973)
      t.deepEqual(stream.gaps, { count: 0, frames: 0, starved: 0, starvations: 0 })
    }
  })
}

test('a delay of the device shifts the recording by as many frames', async (t) => {
  const stream = await duplex(t, { device: 'virtual:clock=free:delay=1234' })
  const sent = noise('int16', 2 * 5000)
  same(t, await stream.playrec(sent, { pad: 1234 }), concat(silence('int16', 2 * 1234), sent))
  same(t, await stream.playrec(sent, { pad: 1234, offset: 1234 }), sent)
})

test('frames × pad × offset', async (t) => {
  const N = 1000
  const sent = noise('int16', 2 * N)
  const stream = await duplex(t, { device: 'virtual:clock=free:block=1..300' })
  for (const frames of [-1, 0, 1, 500, 999, 1000, 1500]) {
    for (const pad of [-1, 0, 1, 700]) {
      if (frames < 0 && pad < 0) continue // never ends: see chunks
      for (const offset of [0, 1, 512, 1000]) {
        const name = `frames ${frames}, pad ${pad}, offset ${offset}`
        const clocked = frames < 0 ? N + pad : frames + Math.max(pad, 0)
        const run = stream.playrec(sent, { frames, pad, offset })
        if (offset > clocked || (frames >= 0 && offset > frames)) {
          await fails(t, () => run, 'ERR_PASTREAM_INVALID_ARGUMENT', /offset/)
        } else if (frames > N && pad >= 0) {
          await fails(t, () => run, 'ERR_PASTREAM_BUFFER_EMPTY', /1000 frames/)
          t.is(stream.frameCount, N, name)
        } else {
          const source = frames < 0 ? sent : sent.subarray(0, 2 * Math.min(frames, N))
          const played = concat(source, silence('int16', 2 * clocked - source.length))
          same(t, await run, played.subarray(2 * offset), name)
          t.is(stream.frameCount, clocked, name)
        }
      }
    }
  }
})

test('a source that ends says how long the stream is', async (t) => {
  const stream = await duplex(t)
  for (const frames of [0, 1, 511, 512, 513]) {
    same(t, await stream.playrec(noise('int16', 2 * frames)), noise('int16', 2 * frames))
    t.is(stream.frameCount, frames)
  }
})

test('an array loops with no gap', async (t) => {
  const stream = await duplex(t, { device: 'virtual:clock=free:block=1..100' })
  const sent = noise('int16', 2 * 333)
  const five = concat(sent, sent, sent, sent, sent)
  same(t, await stream.playrec(sent, { loop: true, frames: 5 * 333 }), five)
  t.is(stream.played, 5 * 333)
  const out = new Int16Array(2 * 5 * 333)
  t.is(await stream.playrec(sent, { loop: true, out }), out)
  same(t, out, five)
})

test('memory of the caller is recorded into', async (t) => {
  const stream = await duplex(t)
  const sent = noise('int16', 2 * 4000)
  for (const out of [new Int16Array(2 * 4000), Buffer.alloc(4 * 4000), new ArrayBuffer(4 * 4000)]) {
    t.is(await stream.playrec(sent, { out }), out)
    same(t, out instanceof ArrayBuffer ? new Uint8Array(out) : out, sent)
  }
  // What comes after it is full is no loss.
  const short = new Int16Array(2 * 100)
  await stream.playrec(sent, { out: short, offset: 7 })
  same(t, short, sent.subarray(14, 214))
  t.is(stream.gaps.frames, 0)
  // What the run doesn't reach stays as it was.
  const long = new Int16Array(2 * 5000).fill(3)
  await stream.playrec(sent, { out: long })
  same(t, long, concat(sent as Int16Array, new Int16Array(2 * 1000).fill(3)))
})

test('samples are bytes of any kind', async (t) => {
  const stream = await duplex(t)
  const sent = noise('int16', 2 * 640)
  const shared = new Int16Array(new SharedArrayBuffer(sent.byteLength))
  shared.set(sent as Int16Array)
  const odd = new Uint8Array(sent.byteLength + 1).subarray(1)
  odd.set(bytes(sent))
  for (const source of [Buffer.from(bytes(sent)), new DataView(sent.buffer), sent.buffer, shared, shared.buffer, odd]) {
    same(t, await stream.playrec(source), sent)
  }
})

test('playing alone, recording alone', async (t) => {
  const options = { device: 'virtual:clock=free', sampleRate: RATE, channels: 3, format: 'float32' } as const
  await using out = await OutputStream.open(options)
  await out.play(noise('float32', 3 * 5000), { pad: 50 })
  t.deepEqual([out.frameCount, out.played], [5050, 5000])
  await using input = await InputStream.open(options)
  same(t, await input.record({ frames: 700, offset: 100 }), silence('float32', 3 * 600))
  t.is(input.frameCount, 700)
  same(t, await input.record({ out: new Float32Array(33).fill(9) }), silence('float32', 33))
  t.is(input.frameCount, 11)
})

test('sides may differ in format and channels', async (t) => {
  const stream = await duplex(t, { channels: [1, 3], format: ['int16', 'float32'] })
  t.deepEqual(
    [stream.channels, stream.format, stream.sampleSize],
    [
      [1, 3],
      ['int16', 'float32'],
      [2, 4],
    ],
  )
  const sent = noise('int16', 400) as Int16Array
  const expected = Float32Array.from({ length: 3 * 400 }, (_, at) => (at % 3 === 0 ? (sent[at / 3] ?? 0) / 2 ** 15 : 0))
  same(t, await stream.playrec(sent), expected)
})

test('random mappings on either side, bit for bit', async (t) => {
  const random = randoms(7)
  for (let round = 0; round < 60; round++) {
    const channels = 1 + random(6)
    const format = FORMATS[random(FORMATS.length)] ?? 'int16'
    const mapping = Array.from({ length: channels }, () => random(channels + 1))
    const side = round % 2 ? 'txMapping' : 'rxMapping'
    const stream = await duplex(t, { channels, format, [side]: mapping })
    const size = format === 'int24' ? 3 : 1
    const sent = noise(format, 700 * channels, round + 1)
    const expected = silence(format, 700 * channels)
    for (let frame = 0; frame < 700; frame++) {
      for (const [to, from] of mapping.entries()) {
        if (from === 0) continue
        const at = (frame * channels + from - 1) * size
        expected.set(sent.subarray(at, at + size), (frame * channels + to) * size)
      }
    }
    same(t, await stream.playrec(sent), expected, `${side} ${mapping.join()} ${format}`)
    await stream.close()
  }
})

test('a mapping by channels, with one source for two outputs', async (t) => {
  const stream = await duplex(t, { txMapping: { 2: 1 }, rxMapping: [1, 1] })
  const sent = Int16Array.of(1, 2, 3, 4)
  same(t, await stream.playrec(sent), Int16Array.of(2, 2, 4, 4))
})
