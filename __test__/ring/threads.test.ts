import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import test, { type ExecutionContext } from 'ava'
import { RingBuffer } from 'pastream-rs'
import { readAll, writeAll } from '../hooks/ends.js'
import { fails } from '../support.ts'

const SAMPLES = 10_000_000

function worker(t: ExecutionContext, name: string, workerData: object): Worker {
  const started = new Worker(new URL(`../hooks/${name}.js`, import.meta.url), { workerData, execArgv: [] })
  t.teardown(() => started.terminate())
  return started
}

async function said(from: Worker): Promise<unknown> {
  const [message] = (await once(from, 'message')) as unknown[]
  return message
}

for (const blocking of [true, false]) {
  const how = blocking ? 'blocking' : 'awaiting'
  test(`ten million samples from a worker to the main thread, ${how}`, async (t) => {
    const ring = new RingBuffer(2, 7001, 'int16')
    worker(t, 'write', { memory: ring.memory, samples: SAMPLES, blocking })
    t.is(await readAll(ring), SAMPLES)
  })

  test(`ten million samples from the main thread to a worker, ${how}`, async (t) => {
    const ring = new RingBuffer(2, 7001, 'int16')
    const reader = worker(t, 'read', { memory: ring.memory, blocking })
    const [right] = await Promise.all([said(reader), writeAll(ring, SAMPLES)])
    t.is(right, SAMPLES)
  })

  test(`ten million samples between two workers, ${how}`, async (t) => {
    const { memory } = new RingBuffer(2, 7001, 'int16')
    worker(t, 'write', { memory, samples: SAMPLES, blocking })
    t.is(await said(worker(t, 'read', { memory, blocking })), SAMPLES)
  })
}

test('a view in one thread is the memory in another', async (t) => {
  const ring = new RingBuffer(4, 8, 'float32')
  const other = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads')
     const { RingBuffer } = require('pastream-rs')
     const ring = RingBuffer.from(workerData)
     const [, view] = ring.getReadBuffers()
     parentPort.on('message', () => {
       parentPort.postMessage([ring.format, view.constructor.name, ...view])
       view[0] = 0.25
       ring.advanceReadIndex(1)
     })
     parentPort.postMessage('ready')`,
    { eval: true, workerData: ring.memory, execArgv: [] },
  )
  t.teardown(() => other.terminate())
  ring.advanceWriteIndex(3)
  t.is(await said(other), 'ready')
  const [, view] = ring.getReadBuffers()
  // After the other one took its view.
  view.set([1, 2, 3])
  const heard = said(other)
  other.postMessage('look')
  t.deepEqual(await heard, ['float32', 'Float32Array', 1, 2, 3])
  await ring.writable(6)
  t.is(view[0], 0.25)
})

test('a wait that blocks ends with its time, and is refused on the main thread', async (t) => {
  const ring = new RingBuffer(2, 8)
  await fails(t, () => ring.waitReadable(1), 'ERR_PASTREAM_INVALID_ARGUMENT', /await ring\.readable\(\)/)
  await fails(t, () => ring.waitWritable(1), 'ERR_PASTREAM_INVALID_ARGUMENT', /await ring\.writable\(\)/)
  const other = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads')
     const { RingBuffer } = require('pastream-rs')
     const ring = RingBuffer.from(workerData)
     ring.write(new Uint8Array(6))
     parentPort.postMessage([ring.waitReadable(4, 0.01), ring.waitReadable(3, 0), ring.waitWritable(6, 0.01)])`,
    { eval: true, workerData: ring.memory, execArgv: [] },
  )
  t.deepEqual(await said(other), [3, 3, 5])
})

test('a worker that is blocked at a ring can be terminated', async (t) => {
  const ring = new RingBuffer(2, 8)
  const other = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads')
     const { RingBuffer } = require('pastream-rs')
     parentPort.postMessage('blocked')
     RingBuffer.from(workerData).waitReadable(4)`,
    { eval: true, workerData: ring.memory, execArgv: [] },
  )
  await said(other)
  t.is(await other.terminate(), 1)
})

test('a wait ends with its signal, and the next one is not disturbed', async (t) => {
  const ring = new RingBuffer(2, 8)
  const controller = new AbortController()
  const [given, stays] = [ring.readable(2, controller), ring.readable(4)]
  controller.abort(new Error('enough'))
  await t.throwsAsync(given, { message: 'enough' })
  await t.throwsAsync(ring.writable(2, controller), { message: 'enough' })
  ring.write(new Uint8Array(8))
  t.is(await stays, 4)
})
