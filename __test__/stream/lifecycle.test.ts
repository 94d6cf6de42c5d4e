import { setImmediate } from 'node:timers/promises'
import test from 'ava'
import { DuplexStream, InputStream, OutputStream, RingBuffer } from 'pastream-rs'
import { concat, duplex, fails, folder, noise, RATE, same, silence } from '../support.ts'

test('what was opened is told', async (t) => {
  const stream = await duplex(t, { device: 'virtual:clock=free:block=64', format: 'int24' })
  t.like(stream, {
    device: 'virtual:clock=free:block=64',
    sampleRate: RATE,
    channels: 2,
    format: 'int24',
    sampleSize: 3,
    blockSize: 64,
    isDuplex: true,
    active: false,
    stopped: true,
    finished: false,
    aborted: false,
    closed: false,
    frameCount: 0,
    xruns: 0,
  })
  t.deepEqual(stream.status, [])
  const defaults = await OutputStream.open({ device: 'virtual' })
  t.like(defaults, { sampleRate: RATE, format: 'float32', channels: 2, isDuplex: false })
  await defaults.close()
})

test('it plays again after it finished, was stopped, and was aborted', async (t) => {
  const stream = await duplex(t)
  const sent = noise('int16', 2 * 3000)
  const replay = async () => same(t, await stream.playrec(sent), sent)
  await replay()
  t.like(stream, { active: false, finished: true, aborted: false })

  await stream.setSource(sent, { loop: true })
  await stream.start()
  t.like(stream, { active: true, finished: false, stopped: false })
  await stream.stop()
  t.like(stream, { active: false, finished: true, aborted: false })
  await replay()

  await stream.setSource(sent, { loop: true })
  await stream.start()
  await stream.abort()
  t.like(stream, { active: false, finished: true, aborted: true })
  await replay()
  t.like(stream, { frameCount: 3000, played: 3000, aborted: false })
})

test('a source stays for the next run, from its beginning', async (t) => {
  const stream = await duplex(t)
  const sent = noise('int16', 2 * 3000)
  await stream.setSource(sent)
  for (let round = 0; round < 3; round++) {
    await stream.start()
    t.true(await stream.wait())
    t.is(stream.played, 3000)
  }
})

test('a ring stays for the next run; a file is complete after one, and a run that would not record it is refused', async (t) => {
  const path = await folder(t)
  const stream = await duplex(t)
  const sent = noise('int16', 2 * 300)
  const ring = new RingBuffer(4, 1000)
  await stream.setSource(sent)
  await stream.setSink(ring)
  for (let round = 0; round < 3; round++) {
    await stream.start()
    await stream.wait()
    same(t, ring.read(), sent)
  }
  await stream.setSink([ring, path('take.wav')])
  await stream.start()
  await stream.wait()
  for (const again of [() => stream.start(), () => stream.play(sent), () => stream.playrec(sent)]) {
    await fails(t, again, 'ERR_PASTREAM_STREAM_STATE', /take\.wav was recorded by the run before/)
  }
  ring.flush()
  await stream.setSink(ring)
  // This says itself where it records to; the ring is there as well.
  same(t, await stream.playrec(sent), sent)
  same(t, ring.read(), sent)
  await stream.setSink(null)
  await stream.play(sent)
  t.is(ring.readAvailable, 0)
})

test('wait gives up after its time, and the stream goes on', async (t) => {
  await using stream = await OutputStream.open({ device: 'virtual' })
  await stream.start()
  t.false(await stream.wait({ timeout: 0.02 }))
  t.true(stream.active)
  await stream.stop()
  t.true(await stream.wait({ timeout: 0 }))
  t.true(stream.frameCount > 0)
})

test('many can wait at once', async (t) => {
  await using stream = await OutputStream.open({ device: 'virtual' })
  await stream.start({ frames: RATE / 10 })
  t.deepEqual(new Set(await Promise.all(Array.from({ length: 20 }, () => stream.wait()))), new Set([true]))
})

test('closing is safe at any time and any number of times', async (t) => {
  const stream = await duplex(t)
  await stream.setSource(noise('int16', 200), { loop: true })
  await stream.start()
  await Promise.all([stream.close(), stream.close()])
  await stream.close()
  t.like(stream, { closed: true, active: false, aborted: true })
  await fails(t, () => stream.start(), 'ERR_PASTREAM_STREAM_STATE', /closed/)
  await fails(t, () => stream.playrec(noise('int16', 2)), 'ERR_PASTREAM_STREAM_STATE', /closed/)
  t.true(await stream.wait())
  await stream.stop()
})

test('a scope that ends closes its stream', async (t) => {
  let outer: DuplexStream
  {
    await using stream = await DuplexStream.open({ device: 'virtual:clock=free' })
    await stream.start()
    outer = stream
  }
  t.like(outer, { closed: true, active: false })
})

test('a running stream refuses what would disturb it', async (t) => {
  const stream = await duplex(t)
  await stream.start()
  await fails(t, () => stream.start(), 'ERR_PASTREAM_STREAM_STATE', /running/)
  await fails(t, () => stream.setSource(noise('int16', 2)), 'ERR_PASTREAM_STREAM_STATE', /running/)
  await fails(t, () => stream.setSink(new RingBuffer(4, 16)), 'ERR_PASTREAM_STREAM_STATE', /running/)
  t.true(stream.active)
})

test('prebuffer waits for the source before the device starts', async (t) => {
  const [source, sink] = [new RingBuffer(4, 1000), new RingBuffer(4, 1000)]
  const stream = await duplex(t, { device: 'virtual:block=400' })
  await stream.setSource(source)
  await stream.setSink(sink)
  const started = stream.start({ prebuffer: 400 })
  const sent = noise('int16', 2 * 400)
  source.write(sent.subarray(0, 2 * 399))
  source.write(sent.subarray(2 * 399))
  await started
  await sink.readable(400)
  source.end()
  await stream.wait()
  // No block was without its frames, the first one neither.
  same(t, sink.read(400), sent)
})

test('a stop ends a start that waits for its source', async (t) => {
  const stream = await duplex(t, { device: 'virtual' })
  await stream.setSource(new RingBuffer(4, 1000))
  const started = stream.start()
  started.catch(() => {})
  await stream.stop()
  await started
  t.like(stream, { active: false, played: 0 })
})

test('a ring plays what the program writes and ends when it says so', async (t) => {
  const [source, sink] = [new RingBuffer(4, 300), new RingBuffer(4, 10_000)]
  const stream = await duplex(t, { device: 'virtual:clock=free:block=1..200' })
  await stream.setSource(source)
  await stream.setSink(sink)
  const sent = noise('int16', 2 * 9000)
  const running = stream.start({ prebuffer: false }).then(() => stream.wait())
  for (let at = 0; at < sent.length;) {
    await source.writable(1)
    at += 2 * source.write(sent.subarray(at))
  }
  source.end()
  await running
  same(t, sink.read(), sent)
  t.true(sink.ended)
  t.like(stream.gaps, { frames: 0, starved: 0, starvations: 0 })
})

test('a source that ends before it delivers anything is an empty playback', async (t) => {
  const ring = new RingBuffer(4, 16)
  ring.end()
  const stream = await duplex(t)
  same(t, await stream.playrec(ring, { pad: 5, out: new Int16Array(10).fill(7) }), silence('int16', 10))
  t.like(stream, { frameCount: 5, played: 0 })
  same(t, await stream.playrec(new Int16Array()), new Int16Array())
})

test('a late source is silence, counted and told, and nothing of it is lost', async (t) => {
  const ring = new RingBuffer(4, 4096)
  const stream = await duplex(t, { device: 'virtual:block=48' })
  await stream.setSource(ring)
  const sink = new RingBuffer(4, RATE)
  await stream.setSink(sink)
  const sent = noise('int16', 2 * 1000)
  ring.write(sent.subarray(0, 1000))
  const gaps: number[] = []
  const late = new Promise<void>((resolve) => {
    stream.on('gap', ({ side, cause, length, frame }) => {
      t.deepEqual([side, cause, frame], ['playback', 'starved', 500])
      gaps.push(length)
    })
    // Enough silence has come back to know that it starves.
    void sink.readable(900).then(() => resolve())
  })
  await stream.start({ prebuffer: 500 })
  await late
  ring.write(sent.subarray(1000))
  ring.end()
  await stream.wait()
  const { starved } = stream.gaps
  t.true(starved >= 400)
  same(t, sink.read(), concat(sent.subarray(0, 1000), silence('int16', 2 * starved), sent.subarray(1000)))
  t.deepEqual(gaps, [starved])
  t.is(stream.frameCount, 1000 + starved)
})

test('xruns of the device are counted by kind, told, and make gaps', async (t) => {
  const stream = await duplex(t, { device: 'virtual:clock=free:fault=xrun@0.1:fault=xrun@0.2' })
  const seen: string[] = []
  stream.on('xrun', ({ kinds }) => seen.push(...kinds))
  await stream.record({ frames: RATE / 2 })
  t.is(stream.xruns, 2)
  t.is(
    seen.length,
    Object.values(stream.xrunCounts).reduce((sum, count) => sum + count, 0),
  )
  t.deepEqual(new Set(seen), new Set<string>(stream.status))
  await stream.record({ frames: 100 })
  t.like(stream, { xruns: 0, status: [] })
})

test('the end is told', async (t) => {
  const stream = await duplex(t)
  const ends: string[] = []
  stream.on('finished', (outcome) => ends.push(outcome))
  await stream.playrec(noise('int16', 20))
  await stream.setSource(null)
  await stream.start()
  await stream.stop()
  await stream.start()
  await stream.abort()
  await t.throwsAsync(stream.playrec(noise('int16', 20), { frames: 11 }))
  t.deepEqual(ends, ['finished', 'stopped', 'aborted', 'bufferEmpty'])
})

test('the clock and the load of the device', async (t) => {
  await using stream = await InputStream.open({ device: 'virtual:clock=free', sampleRate: RATE })
  await stream.record({ frames: RATE })
  t.is(stream.time, 1)
  t.true(stream.cpuLoad >= 0)
  t.true(Number(stream.latency) >= 0)
})

test('levels of each channel, measured from the first look on', async (t) => {
  const stream = await duplex(t, { format: 'float32', channels: [2, 3], device: 'virtual:clock=free:block=100' })
  const silent = { peak: 0, rms: 0, highest: 0, overall: 0 }
  t.deepEqual(stream.levels, { playback: [silent, silent], recording: [silent, silent, silent] })
  const sent = Float32Array.from({ length: 2 * 200 }, (_, index) =>
    index % 2 === 0 ? (index < 200 ? -0.75 : 0.5) : 0.25,
  )
  await stream.play(sent)
  const channels = [
    { peak: 0.75, rms: 0.5, highest: 0.75, overall: Math.sqrt((0.75 ** 2 + 0.5 ** 2) / 2) },
    { peak: 0.25, rms: 0.25, highest: 0.25, overall: 0.25 },
  ]
  t.deepEqual(stream.levels, { playback: channels, recording: [...channels, silent] })
  // The peak is that since the last look.
  t.like(stream.levels.playback[0], { peak: 0, highest: 0.75 })
  await using output = await OutputStream.open({ device: 'virtual' })
  t.deepEqual(output.levels.recording, [])
})

for (const clock of ['real', 'free']) {
  test(`clock=${clock}: a paused run counts nothing, and goes on where it was`, async (t) => {
    const stream = await duplex(t, { device: `virtual:clock=${clock}:block=64` })
    const sent = noise('int16', 2 * 5000)
    stream.pause()
    t.true(stream.paused)
    const take = stream.playrec(sent)
    // It has begun, and waits.
    while (!stream.active) await setImmediate()
    if (clock === 'real') for (const from = stream.time; stream.time - from < 0.05;) await setImmediate()
    t.is(stream.frameCount, 0)
    stream.resume()
    same(t, await take, sent)
    t.is(stream.frameCount, 5000)

    stream.pause()
    await stream.start()
    await stream.stop()
    t.is(stream.frameCount, 0)
    await stream.start()
    await stream.abort()
    t.true(stream.aborted)
  })
}
