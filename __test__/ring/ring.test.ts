import test from 'ava'
import { RingBuffer } from 'pastream-rs'
import { fails, randoms } from '../support.ts'

test('a ring does what a queue does', (t) => {
  const random = randoms(3)
  for (let round = 0; round < 200; round++) {
    const [size, length] = [1 + random(12), 1 + random(40)]
    const ring = new RingBuffer(size, length)
    const other = new RingBuffer(size, ring.memory)
    t.deepEqual([ring.elementSize, ring.length], [size, length])
    const queue: number[] = []
    let next = 0
    for (let step = 0; step < 100; step++) {
      const frames = random(length + 3)
      const data = Uint8Array.from({ length: frames * size }, (_, index) => next + index)
      const kind = random(3)
      if (kind === 0) {
        const written = Math.min(frames, length - queue.length / size)
        t.is(ring.write(data), written)
        queue.push(...data.subarray(0, written * size))
        next += written * size
      } else if (kind === 1) {
        t.deepEqual([...other.read(frames)], queue.splice(0, frames * size))
      } else {
        const [count, first, second] = other.getReadBuffers(frames)
        t.deepEqual([...first, ...second], queue.slice(0, count * size))
        t.is(other.advanceReadIndex(count), count)
        queue.splice(0, count * size)
      }
      t.deepEqual([other.readAvailable, ring.writeAvailable], [queue.length / size, length - queue.length / size])
    }
    ring.flush()
    t.is(other.readAvailable, 0)
  }
})

test('views are the memory itself', (t) => {
  const ring = new RingBuffer(2, 5)
  ring.write(new Uint8Array(6))
  ring.flush()
  const [room, first, second] = ring.getWriteBuffers(4)
  t.deepEqual([room, first.length, second.length], [4, 4, 4])
  first.fill(1)
  second.fill(2)
  t.is(ring.readAvailable, 0)
  t.is(ring.advanceWriteIndex(9), 5)
  t.deepEqual([...ring.read(4)], [1, 1, 1, 1, 2, 2, 2, 2])
})

test('waits end when there is enough, or when nothing more will come', async (t) => {
  const ring = new RingBuffer(1, 4)
  const [enough, rest] = [ring.readable(3), ring.readable(4)]
  ring.write(new Uint8Array(2))
  ring.write(new Uint8Array(1))
  t.is(await enough, 3)
  ring.end()
  t.is(await rest, 3)
  t.true(ring.ended)
  ring.write(new Uint8Array(1))
  const room = ring.writable(2)
  ring.read(2)
  t.is(await room, 2)
})

test('whatever a foreign hand writes into the header, nothing is read or written beyond the memory', (t) => {
  const random = randoms(5)
  const ring = new RingBuffer(3, 10)
  const words = new Uint32Array(ring.memory, 0, 64)
  for (let round = 0; round < 5000; round++) {
    words[[16, 17, 32, 33, 48, 49][random(6)] ?? 16] = random(2 ** 32)
    t.true(ring.readAvailable <= 10 && ring.writeAvailable <= 10)
    t.true(ring.write(new Uint8Array(random(60))) <= 10)
    t.true(ring.read(random(20)).length <= 30)
  }
})

test('what can be no ring', async (t) => {
  const refused = (work: () => unknown) => fails(t, work, 'ERR_PASTREAM_INVALID_ARGUMENT')
  for (const bad of [0, -1, 1.5, Number.NaN, 2 ** 31]) {
    await refused(() => new RingBuffer(bad, 10))
    await refused(() => new RingBuffer(4, bad))
  }
  await refused(() => new RingBuffer(4, new SharedArrayBuffer(8)))
  await refused(() => new RingBuffer(4, new SharedArrayBuffer(256 + 40)))
  const { memory } = new RingBuffer(4, 10)
  t.is(new RingBuffer(4, memory).length, 10)
  await refused(() => new RingBuffer(5, memory))
})

test('counts that are none are refused, and nothing moves', async (t) => {
  const ring = new RingBuffer(2, 8)
  ring.write(new Uint8Array(6))
  for (const bad of [-1, 1.5, Number.NaN, '1' as unknown as number]) {
    for (const call of [
      () => ring.advanceReadIndex(bad),
      () => ring.advanceWriteIndex(bad),
      () => ring.getReadBuffers(bad),
      () => ring.getWriteBuffers(bad),
      () => ring.read(bad),
      () => ring.readable(bad),
      () => ring.writable(bad),
    ]) {
      await fails(t, call, 'ERR_PASTREAM_INVALID_ARGUMENT', /frames is/)
    }
  }
  t.is(ring.readAvailable, 3)
  t.is(ring.advanceReadIndex(Number.POSITIVE_INFINITY), 3)
})
