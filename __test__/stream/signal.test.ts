import { buffer } from 'node:stream/consumers'
import test from 'ava'
import { InputStream, RingBuffer, thread, type DuplexStream } from 'pastream-rs'
import { duplex, folder, noise, RATE, same } from '../support.ts'

const SENT = noise('int16', 2 * RATE)
const tone = new URL('../hooks/tone.js', import.meta.url)

const operations: Record<string, (stream: DuplexStream, signal: AbortSignal) => Promise<unknown>> = {
  play: (stream, signal) => stream.play(SENT, { loop: true, signal }),
  'play from a generator': (stream, signal) => stream.play(() => [SENT], { loop: true, signal }),
  'play from a thread': (stream, signal) => stream.play(thread(tone, { args: [1e9] }), { signal }),
  record: (stream, signal) => stream.record({ frames: 1e7, signal }),
  playrec: (stream, signal) => stream.playrec(SENT, { loop: true, frames: 1e7, signal }),
  async chunks(stream, signal) {
    for await (const chunk of stream.chunks({ size: 480, signal })) if (chunk.length === 0) break
  },
  'a start that waits': (stream, signal) => {
    const ring = new RingBuffer(4, 100)
    return stream.setSource(ring).then(() => stream.start({ signal }))
  },
}

/** What `work` rejects with: a signal's reason need be no Error. */
async function reasonOf(work: Promise<unknown>): Promise<unknown> {
  try {
    return await work.then(() => 'it did not reject')
  } catch (error) {
    return error
  }
}

for (const [name, operation] of Object.entries(operations)) {
  test(`${name} ends with its signal`, async (t) => {
    const stream = await duplex(t, { device: 'virtual' })
    const controller = new AbortController()
    const running = operation(stream, controller.signal)
    running.catch(() => {})
    const reason = new Error('enough')
    if (name === 'a start that waits') await new Promise((resolve) => setImmediate(resolve))
    else while (stream.frameCount === 0) await stream.wait({ timeout: 0.005 })
    controller.abort(reason)
    t.is(await t.throwsAsync(running), reason)
    t.true(await stream.wait())
    t.false(stream.active)
    t.is(await t.throwsAsync(operation(stream, controller.signal)), reason)
    t.false(stream.active)
    await stream.setSource(null)
    same(t, await stream.playrec(SENT.subarray(0, 100)), SENT.subarray(0, 100))
  })
}

test('chunks end with their signal, also while the loop goes on', async (t) => {
  const stream = await duplex(t, { device: 'virtual' })
  const controller = new AbortController()
  const reason = new Error('enough')
  let count = 0
  const loop = async (): Promise<void> => {
    for await (const _ of stream.chunks({ size: 480, signal: controller.signal })) {
      if (++count === 3) controller.abort(reason)
    }
  }
  t.is(await reasonOf(loop()), reason)
  t.is(count, 3)
  t.false(stream.active)
})

test('events are told from the call on; a loop that is never begun leaves no listener', async (t) => {
  const stream = await duplex(t)
  const events = stream.events()
  await stream.play(SENT.subarray(0, 100))
  t.deepEqual(await events.next(), { done: false, value: { type: 'finished', outcome: 'finished' } })
  await events.return?.()
  t.is(stream.listenerCount('finished'), 0)
  const unused = stream.events()
  await unused.return?.()
  t.is(stream.listenerCount('gap'), 0)
})

test('a wait ends with its signal, and the run goes on', async (t) => {
  const stream = await duplex(t, { device: 'virtual' })
  await stream.start()
  const signal = AbortSignal.timeout(20)
  t.is(await reasonOf(stream.wait({ signal })), signal.reason)
  t.true(stream.active)
  t.is(await reasonOf(stream.stop({ signal })), signal.reason)
  t.true(stream.active)
  await stream.stop()
})

test('the error of a run is not lost to a wait that was given up', async (t) => {
  const stream = await duplex(t)
  await stream.setSource(new Int16Array(20))
  const over = new Promise((resolve) => stream.once('finished', resolve))
  const controller = new AbortController()
  await stream.start({ frames: 11 })
  const given = stream.wait(controller)
  controller.abort()
  t.is(await reasonOf(given), controller.signal.reason)
  await over
  await t.throwsAsync(stream.wait(), { code: 'ERR_PASTREAM_BUFFER_EMPTY' })
  t.true(await stream.wait())
})

test('events are told in turn until the stream is closed', async (t) => {
  const stream = await duplex(t, { device: 'virtual:clock=free:fault=xrun@0.1:fault=lost@0.5' })
  const seen: string[] = []
  const listening = (async () => {
    for await (const event of stream.events()) {
      seen.push(event.type)
      if (event.type === 'xrun') t.true(event.frame > 0 && event.kinds.length > 0)
      if (event.type === 'error') t.is(event.error.code, 'ERR_PASTREAM_DEVICE_LOST')
      if (event.type === 'finished') t.is(event.outcome, 'deviceLost')
    }
  })()
  await t.throwsAsync(stream.record({ frames: RATE }), { code: 'ERR_PASTREAM_DEVICE_LOST' })
  await stream.close()
  await listening
  t.deepEqual(seen, ['xrun', 'deviceLost', 'error', 'finished'])
  t.is(stream.listenerCount('xrun'), 0)
})

test('events that nobody takes are counted; the loop ends with its signal', async (t) => {
  await using stream = await InputStream.open({ device: 'virtual:clock=free:block=1:fault=xrun@0+1', sampleRate: 2000 })
  const controller = new AbortController()
  const events = stream.events(controller)
  const first = events.next()
  for (let round = 0; round < 5; round++) await stream.record({ frames: 1500 })
  t.is((await first).value?.type, 'xrun')
  for (let taken = 0; taken < 1024; taken++) t.not((await events.next()).value?.type, 'dropped')
  const { value } = await events.next()
  t.true(value?.type === 'dropped' && value.count > 0)
  const reason = new Error('enough')
  const waiting = events.next()
  controller.abort(reason)
  t.is(await t.throwsAsync(waiting), reason)
  t.true((await events.next()).done)
})

test('a readable ends with its signal', async (t) => {
  const stream = await duplex(t, { device: 'virtual' })
  const readable = stream.readable()
  const read = buffer(readable)
  read.catch(() => {})
  while (stream.frameCount === 0) await stream.wait({ timeout: 0.005 })
  readable.destroy(new Error('enough'))
  await t.throwsAsync(read, { message: 'enough' })
  await stream.wait()
  t.false(stream.active)
})

test('a file whose run was aborted is whole', async (t) => {
  const path = await folder(t)
  const stream = await duplex(t, { device: 'virtual' })
  await stream.toFile(path('take.wav'))
  const controller = new AbortController()
  const playing = stream.play(SENT, { loop: true, signal: controller.signal })
  playing.catch(() => {})
  while (stream.frameCount < 4800) await stream.wait({ timeout: 0.005 })
  controller.abort()
  t.is(await reasonOf(playing), controller.signal.reason)
  await stream.wait()
  await stream.setSink(null)
  const free = await duplex(t)
  const back = await free.playrec(path('take.wav'))
  same(t, back, SENT.subarray(0, back.length))
  t.true(back.length >= 2 * 4800)
})
