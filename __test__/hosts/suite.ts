import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import ava, { type ExecutionContext } from 'ava'
import { DuplexStream, SoundFile, type Format, type SampleArray, type StreamOptions } from 'pastream-rs'
import { bytes, concat, fails, folder, noise, randoms, same, silence } from '../support.ts'

/** A loop through a real host: what is played to it comes back, later. */
export interface Loop {
  /** The device, or both. */
  readonly device: string | readonly [string, string]
  /** What passes it bit for bit. */
  readonly format: Format
  /** Frames from playback to recording, where that is always the same. */
  readonly lag?: number
  /** Within how many frames `alignment` tells it. */
  readonly period: number
  /** Whether a busy machine makes its timestamps wrong by more. */
  readonly vague?: boolean
}

const CHANNELS = 2
const RATE = 48_000
/** Longer than the way through any of them. */
const TAIL = RATE / 2

function width(format: Format): number {
  return format === 'int24' ? 3 : 1
}

/** Frame `from` to `to` of interleaved frames. */
function frames<T extends SampleArray>(format: Format, samples: T, from: number, to?: number): T {
  const size = CHANNELS * width(format)
  return samples.subarray(from * size, to === undefined ? undefined : to * size) as T
}

/** Noise that is silent in no frame of either end. */
function sound(format: Format, length: number, seed = 1): SampleArray {
  const samples = noise(format, length * CHANNELS, seed)
  const mark = format === 'float32' ? 1 : 127
  samples.fill(mark, 0, CHANNELS * width(format))
  samples.fill(mark, samples.length - CHANNELS * width(format))
  return samples
}

/** Where the first sound is, in frames. */
function onset(format: Format, samples: SampleArray): number {
  const index = samples.findIndex((sample: number) => sample !== 0)
  return Math.floor(index / (CHANNELS * width(format)))
}

/** What a machine that was too busy for its sound server makes of a test. */
class Glitch extends Error {}

/** How often a test may meet with one. */
const ATTEMPTS = 5

/** A test alone on its host, anew where the host itself lost frames, and said so: then there is nothing to be compared. */
function test(title: string, implementation: (t: ExecutionContext) => Promise<void>): void {
  ava.serial(title, async (t) => {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      let glitched = false
      const result = await t.try(async (tt) => {
        try {
          await implementation(tt)
        } catch (error) {
          if (!(error instanceof Glitch) || attempt === ATTEMPTS) throw error
          glitched = true
          tt.log(error.message)
          tt.pass()
        }
      })
      if (!glitched) return result.commit()
      result.discard()
      t.log('the host lost frames: once more')
    }
  })
}

/** Throws where the host said that it lost frames. */
function smooth(stream: DuplexStream): void {
  const { frames, starved } = stream.gaps
  if (stream.xruns > 0 && frames + starved > 0) {
    throw new Glitch(`${stream.status.join(', ')}: ${frames} frames were not recorded, ${starved} not played`)
  }
}

/** The counterparts of the seed's tests, over a real host. */
export function suite({ device, format, lag, period, vague = false }: Loop): void {
  const asked = { device, sampleRate: RATE, channels: CHANNELS, format, latency: 'low' } as const

  async function open(t: ExecutionContext, options: StreamOptions = {}): Promise<DuplexStream> {
    const stream = await DuplexStream.open({ ...asked, ...options })
    t.teardown(() => stream.close().catch(() => {}))
    return stream
  }

  async function write(path: string, sent: SampleArray): Promise<void> {
    const file = await SoundFile.open(path, { mode: 'w', sampleRate: RATE, channels: CHANNELS, format })
    await file.write(sent)
    await file.close()
  }

  /** Fails unless `take` holds `sent`, later, and nothing else; answers how much later. */
  function holds(t: ExecutionContext, stream: DuplexStream, take: SampleArray, sent: SampleArray): number {
    smooth(stream)
    const at = onset(format, take)
    const length = sent.length / (CHANNELS * width(format))
    same(t, frames(format, take, at, at + length), sent)
    const rest = frames(format, take, at + length)
    same(t, rest, silence(format, rest.length / width(format)))
    t.deepEqual(stream.gaps, { count: 0, frames: 0, starved: 0, starvations: 0 })
    if (lag !== undefined) t.is(at, lag)
    return at
  }

  /** Fails unless the stream tells of the `at` frames between playback and recording. */
  function told(t: ExecutionContext, stream: DuplexStream, at: number): void {
    const { offsetFrames = Number.NaN } = stream.alignment ?? {}
    const wrong = Math.abs(offsetFrames - at)
    if (vague && wrong > period) throw new Glitch(`${offsetFrames} is told, it is ${at}`)
    t.true(wrong <= period, `${offsetFrames} is told, it is ${at}`)
  }

  test('playrec: what is played comes back bit for bit, and again', async (t) => {
    const stream = await open(t)
    t.is(stream.sampleRate, RATE)
    t.is(stream.format, format)
    for (const seed of [1, 2, 3]) {
      const sent = sound(format, 20_000, seed)
      const take = await stream.playrec(sent, { pad: TAIL })
      const at = holds(t, stream, take, sent)
      t.is(stream.frameCount, 20_000 + TAIL)
      told(t, stream, at)
    }
  })

  test('playrec: aligned, the recording lies on the playback', async (t) => {
    const stream = await open(t)
    const sent = sound(format, 20_000)
    const take = await stream.playrec(sent, { pad: 4096, align: true })
    smooth(stream)
    // What was in the air before has to be silence, so it begins late, if anything.
    t.is(frames(format, take, 0).length, frames(format, sent, 0).length + 4096 * CHANNELS * width(format))
    const at = onset(format, take)
    // Where its first frame is in what was played: later, or what comes before is cut off.
    const beginning = Buffer.from(bytes(frames(format, take, at, at + 100)))
    const from = Buffer.from(bytes(sent)).indexOf(beginning) / (beginning.length / 100)
    if (vague && Math.max(at, from) > period) throw new Glitch(`${at} late, ${from} cut off`)
    t.true(at <= period && from >= 0 && from <= period, `${at} late, ${from} cut off`)
    if (lag !== undefined) t.deepEqual([at, from], [0, 0])
    same(t, frames(format, take, at, at + 20_000 - from), frames(format, sent, from))
  })

  test('frames × pad × offset', async (t) => {
    const N = 3000
    const sent = sound(format, N)
    const stream = await open(t)
    for (const [given, pad, offset] of [
      [-1, 0, 0],
      [-1, TAIL, 0],
      [N, TAIL, 0],
      [1000, TAIL, 0],
      [N + TAIL, -1, 0],
      [-1, TAIL, 100],
      [500, 700, 300],
      [0, 64, 0],
    ] as const) {
      const name = `frames ${given}, pad ${pad}, offset ${offset}`
      const take = await stream.playrec(sent, { frames: given, pad, offset })
      smooth(stream)
      const clocked = given < 0 ? N + pad : given + Math.max(pad, 0)
      t.is(take.length, (clocked - offset) * CHANNELS * width(format), name)
      t.is(stream.frameCount, clocked, name)
      t.is(stream.played, given < 0 ? N : Math.min(given, N), name)
      if (pad === TAIL) {
        const at = onset(format, take)
        const length = given < 0 ? N : Math.min(given, N)
        same(t, frames(format, take, at, at + length), frames(format, sent, 0, length), name)
      }
    }
    await fails(t, () => stream.playrec(sent, { frames: N + 1 }), 'ERR_PASTREAM_BUFFER_EMPTY', /3000 frames/)
  })

  test('chunks of any size and overlap are the recording', async (t) => {
    const stream = await open(t)
    const sent = sound(format, 10_000)
    for (const [size, overlap] of [
      [512, 0],
      [700, 300],
      [undefined, 0],
    ] as const) {
      const parts: SampleArray[] = []
      let count = 0
      for await (const chunk of stream.chunks({ ...(size && { size }), overlap, playback: sent, pad: TAIL })) {
        // The overlap repeats what came before.
        parts.push(frames(format, chunk, overlap).slice())
        count += frames(format, chunk, overlap).length
      }
      smooth(stream)
      t.is(count, (10_000 + TAIL) * CHANNELS * width(format))
      holds(t, stream, concat(...(parts as [SampleArray])), sent)
    }
  })

  test('channels are mapped on either side', async (t) => {
    const random = randoms(7)
    for (let round = 0; round < 3; round++) {
      const mapping = (): number[] => [1 + random(2), 1 + random(2)]
      const [txMapping, rxMapping] = [mapping(), mapping()]
      const stream = await open(t, { txMapping, rxMapping })
      const sent = sound(format, 3000, round + 1)
      const take = await stream.playrec(sent, { pad: TAIL })
      const size = width(format)
      const expected = Array.from({ length: 3000 }, (_, frame) =>
        rxMapping.map((from) => {
          const at = (frame * CHANNELS + (txMapping[from - 1] ?? 0) - 1) * size
          return sent.subarray(at, at + size)
        }),
      ).flat()
      holds(t, stream, take, concat(...(expected as [SampleArray])))
      await stream.close()
    }
  })

  test('file → file, and looped five times', async (t) => {
    const path = await folder(t)
    const sent = sound(format, 8000)
    await write(path('in.wav'), sent)
    for (const turns of [1, 5]) {
      await using stream = await DuplexStream.fromFile(path('in.wav'), { device, latency: 'low', loop: turns > 1 })
      await stream.toFile(path('out.wav'))
      await stream.start({ frames: 8000 * turns, pad: TAIL })
      await stream.wait()
      smooth(stream)
      await using out = await SoundFile.open(path('out.wav'))
      t.is(out.info.frames, 8000 * turns + TAIL)
      const all = Array.from({ length: turns }, () => sent) as [SampleArray]
      holds(t, stream, (await out.read()) as SampleArray, concat(...all))
    }
  })

  test('an array is looped five times', async (t) => {
    const stream = await open(t)
    const sent = sound(format, 2000)
    const take = await stream.playrec(sent, { frames: 10_000, pad: TAIL, loop: true })
    holds(t, stream, take, concat(sent, sent, sent, sent, sent))
  })

  test('a stream plays again after its end, a stop and an abort', async (t) => {
    const stream = await open(t)
    const sent = sound(format, 5000)
    for (const end of ['finish', 'stop', 'abort'] as const) {
      await stream.setSource(sound(format, 2000), { loop: end !== 'finish' })
      await stream.start()
      if (end === 'finish') await stream.wait()
      else await stream[end]()
      t.is(stream.aborted, end === 'abort')
      holds(t, stream, await stream.playrec(sent, { pad: TAIL }), sent)
    }
  })

  test('fixed blocks over the device’s own', async (t) => {
    for (const blockSize of [64, 480, 1024]) {
      const stream = await open(t, { blockSize })
      t.is(stream.blockSize, blockSize)
      const sent = sound(format, 5000)
      const take = await stream.playrec(sent, { pad: TAIL })
      smooth(stream)
      const at = onset(format, take)
      same(t, frames(format, take, at, at + 5000), sent)
      told(t, stream, at)
      await stream.close()
    }
  })

  test('a pause holds the run, and nothing of it is lost', async (t) => {
    const stream = await open(t)
    const sent = sound(format, 30_000)
    const plays = stream.playrec(sent, { pad: TAIL })
    while (stream.frameCount === 0) await setImmediate()
    stream.pause()
    // Held within a block; the device's own time goes on.
    for (const from = stream.time; stream.time - from < 0.2;) await setImmediate()
    const held = stream.frameCount
    for (const from = stream.time; stream.time - from < 0.2;) await setImmediate()
    t.is(stream.frameCount, held)
    stream.resume()
    const take = await plays
    smooth(stream)
    t.is(stream.played, 30_000)
    t.is(stream.frameCount, 30_000 + TAIL)
    t.is(take.length, (30_000 + TAIL) * CHANNELS * width(format))
  })

  test('errors of a source and a sink end the run, and are told once', async (t) => {
    const stream = await open(t)
    await stream.setSource(async () => {
      throw new Error('no more')
    })
    await stream.start({ prebuffer: false }).catch(() => {})
    const error = await t.throwsAsync(stream.wait())
    t.regex(`${error.message} ${String(error.cause)}`, /no more/)
    await stream.setSource(null)
    await stream.setSink(async () => {
      throw new Error('no room')
    })
    await stream.start()
    const other = await t.throwsAsync(stream.wait())
    t.regex(`${other.message} ${String(other.cause)}`, /no room/)
    t.true(await stream.wait())
  })

  test('the command: stdin → stdout', async (t) => {
    const path = await folder(t)
    const sent = sound(format, 5000)
    await write(path('in.au'), sent)
    const names = typeof device === 'string' ? [device] : device
    const devices = names.flatMap((name) => ['-D', name])
    const args = ['dist/cli.js', ...devices, '--latency', 'low', '--fatal-xruns', '-q', '-p', `${TAIL}s`, '-', '-']
    const command = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    command.stdin.end(await readFile(path('in.au')))
    const [out, told, status] = await Promise.all([
      command.stdout.toArray() as Promise<Buffer[]>,
      command.stderr.toArray() as Promise<Buffer[]>,
      new Promise((resolve) => command.once('exit', resolve)),
    ])
    if (status === 3) throw new Glitch('the command met an xrun')
    t.is(Buffer.concat(told).toString(), '')
    t.is(status, 0)
    writeFileSync(path('out.au'), Buffer.concat(out.map(bytes)))
    await using recorded = await SoundFile.open(path('out.au'))
    const take = (await recorded.read()) as SampleArray
    t.is(take.length, (5000 + TAIL) * CHANNELS * width(format))
    const at = onset(format, take)
    same(t, frames(format, take, at, at + 5000), sent)
  })
}
