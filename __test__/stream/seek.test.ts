import { writeFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import type { DuplexStream, Format, RingBuffer, StreamView } from 'pastream-rs'
import { wav } from '../cli/support.ts'
import { duplex, fails, folder } from '../support.ts'

const FRAMES = 30_000
/** Each frame is its own number. */
const SENT = Int16Array.from({ length: FRAMES }, (_, frame) => frame + 1)

async function playing(t: ExecutionContext, bufferSize: number, loop = false): Promise<DuplexStream> {
  const path = await folder(t)
  writeFileSync(path('in.wav'), wav(SENT, 1, 48_000))
  const stream = await duplex(t, { channels: 1, device: 'virtual:clock=free:block=64' })
  await stream.setSource(path('in.wav'), { bufferSize, loop })
  return stream
}

/** Where the numbers of `recorded` jump: the frame before, the frame after. */
function jumps(recorded: readonly number[]): [number, number][] {
  return recorded.flatMap((number, index): [number, number][] => {
    const before = index === 0 ? 0 : (recorded[index - 1] ?? 0)
    return number === before + 1 ? [] : [[before, number - 1]]
  })
}

for (const [what, bufferSize, target] of [
  ['forward', 1000, 20_000],
  ['back', 1000, 100],
  ['back to the start of what was read whole', FRAMES, 0],
  ['in a ring of one frame', 1, 25_000],
] as const) {
  test(`seeking goes on elsewhere, and counts stay true: ${what}`, async (t) => {
    const stream = await playing(t, bufferSize)
    const recorded: number[] = []
    let asked = Infinity
    // A recording that is read slowly holds a device that runs free.
    const sink = async (_: StreamView, ring: RingBuffer<Format>): Promise<void> => {
      while ((await ring.readable(64)) > 0) {
        recorded.push(...ring.read(64))
        if (recorded.length < 5000 || asked < Infinity) continue
        asked = recorded.length
        await stream.seek(target)
        t.true((stream.position ?? 0) >= target)
      }
    }
    await stream.setSink(sink, { bufferSize: 256 })
    await stream.start()
    await stream.wait()
    const [jump, ...others] = jumps(recorded)
    t.deepEqual(others, [])
    t.is(jump?.[1], target)
    // What was on its way: the recording's ring, and a block.
    t.true((jump?.[0] ?? 0) >= asked && (jump?.[0] ?? 0) <= asked + 256 + 2 * 64, `${jump} of ${asked}`)
    t.is(recorded.at(-1), FRAMES)
    t.is(stream.frameCount, recorded.length)
    t.is(stream.played, recorded.length)
    t.deepEqual(stream.gaps, { count: 0, frames: 0, starved: 0, starvations: 0 })
    t.is(stream.position, FRAMES)
  })
}

test('a run that is paused goes on where it was sought, and a loop within the file', async (t) => {
  const stream = await playing(t, 5000, true)
  stream.pause()
  const recorded: number[] = []
  await stream.setSink(async (_: StreamView, ring: RingBuffer<Format>): Promise<void> => {
    while ((await ring.readable(64)) > 0) recorded.push(...ring.read(64))
  })
  await stream.start({ frames: 10_000 })
  for (const frame of [7, 25_000]) await stream.seek(frame)
  stream.resume()
  await stream.wait()
  t.deepEqual(jumps(recorded), [
    [0, 25_000],
    [FRAMES, 0],
  ])
  t.is(recorded.length, 10_000)
  t.is(stream.position, 5000)
})

test('beyond the end is the end', async (t) => {
  const stream = await playing(t, 1000)
  stream.pause()
  await stream.start()
  await stream.seek(FRAMES + 1)
  stream.resume()
  await stream.wait()
  t.is(stream.frameCount, 0)
})

test('what can not be sought says so', async (t) => {
  const stream = await duplex(t)
  t.is(stream.position, undefined)
  await fails(t, () => stream.seek(0), 'ERR_PASTREAM_STREAM_STATE', /play a file, and seek while it is played/)
  for (const frame of [-1, 0.5, Number.NaN]) await fails(t, () => stream.seek(frame), 'ERR_PASTREAM_INVALID_ARGUMENT')
  await stream.play(new Int16Array(8))
  await fails(t, () => stream.seek(0), 'ERR_PASTREAM_STREAM_STATE')
})
