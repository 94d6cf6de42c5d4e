import test from 'ava'
import { DuplexStream, RingBuffer, thread } from 'pastream-rs'
import { duplex, RATE, same } from '../support.ts'

const tone = new URL('../hooks/tone.js', import.meta.url)
const keep = new URL('../hooks/keep.js', import.meta.url)
const FRAMES = 3 * RATE
/** Every frame tells its place, but for multiples of 2^16. */
const SENT = Int16Array.from({ length: FRAMES }, (_, frame) => frame)

async function open(t: Parameters<typeof duplex>[0]): Promise<DuplexStream> {
  return duplex(t, { device: 'virtual', channels: 1 })
}

/** Runs a loop that lets nothing else of this thread run for two seconds. */
function block(): void {
  for (const end = performance.now() + 2000; performance.now() < end;);
}

test('a main thread that is blocked for two seconds costs threads, and chunks with a ring, no frame', async (t) => {
  const [playing, recording, chunking, losing] = [await open(t), await open(t), await open(t), await open(t)]

  const played = new RingBuffer(2, FRAMES)
  await playing.setSource(thread(tone, { args: [FRAMES] }))
  await playing.setSink(played)

  const memory = new SharedArrayBuffer(4 + 2 * FRAMES)
  await recording.setSource(SENT)
  await recording.setSink(thread(keep, { args: [memory] }))
  await Promise.all([playing.start({ prebuffer: RATE }), recording.start()])
  // The worker is there.
  while (Atomics.load(new Int32Array(memory, 0, 1), 0) === 0) await recording.wait({ timeout: 0.01 })

  const all: number[] = []
  const take = async (): Promise<void> => {
    const chunks = chunking.chunks({ size: 480, playback: SENT, pad: 0, bufferSize: 10 * RATE })
    for await (const chunk of chunks) {
      t.is(chunks.lost, 0)
      all.push(...(chunk as Int16Array))
    }
  }
  let [got, lost, told] = [0, 0, 0]
  losing.on('gap', ({ side, cause, length }) => {
    t.deepEqual([side, cause], ['recording', 'full'])
    told += length
  })
  const lose = async (): Promise<void> => {
    const chunks = losing.chunks({ size: 480, playback: SENT, pad: 0, bufferSize: RATE / 2 })
    for await (const chunk of chunks) {
      t.is(chunk[0], SENT[chunks.frame])
      got += chunk.length
      lost += chunks.lost
    }
    t.is(chunks.lost, losing.gaps.frames)
  }
  const both = [take(), lose()]
  while (chunking.frameCount === 0 || losing.frameCount === 0) await losing.wait({ timeout: 0.01 })
  block()
  await Promise.all([...both, playing.wait(), recording.wait()])

  same(t, played.read(), SENT)
  same(t, new Int16Array(memory, 4), SENT)
  same(t, Int16Array.from(all), SENT)
  for (const stream of [playing, recording, chunking]) {
    t.deepEqual(stream.gaps, { count: 0, frames: 0, starved: 0, starvations: 0 })
    t.is(stream.xruns, 0)
  }
  t.true(lost > RATE)
  t.is(lost, losing.gaps.frames)
  t.is(told, lost)
  t.is(got + lost, FRAMES)
})
