import { spawn } from 'node:child_process'
import test from 'ava'
import {
  decode,
  DuplexStream,
  OutputStream,
  play,
  playrec,
  SoundFile,
  type Format,
  type SampleArray,
  type Sink,
} from 'pastream-rs'
import { needing, tool } from '../cli/support.ts'
import { concat, duplex, fails, folder, linux, noise, RATE, same } from '../support.ts'

const FREE = 'virtual:clock=free'

async function make(path: string, data: SampleArray, sampleRate: number, channels: number, format: Format) {
  await using file = await SoundFile.open(path, { mode: 'w', sampleRate, channels, format })
  await file.write(data)
  return path
}

async function run(stream: DuplexStream): Promise<void> {
  await stream.start()
  await stream.wait()
}

/** A sine of half full scale, in each of `channels`. */
function sine(frequency: number, rate: number, frames: number, channels = 1): Float32Array {
  return Float32Array.from({ length: frames * channels }, (_, index) => {
    return 0.5 * Math.sin((2 * Math.PI * frequency * Math.floor(index / channels)) / rate)
  })
}

/** How far `got` is from the sine that it is to be, away from its ends: RMS in dB of full scale. */
function error(got: ArrayLike<number>, frequency: number, rate: number, channels = 1): number {
  const frames = got.length / channels
  const wanted = sine(frequency, rate, frames, channels)
  let [sum, count] = [0, 0]
  for (let index = channels * 1000; index < channels * (frames - 1000); index++) {
    sum += (got[index]! - wanted[index]!) ** 2
    count++
  }
  return 10 * Math.log10(sum / count)
}

const file = (sampleRate: number, channels: number, encoding: string) => ({ sampleRate, channels, encoding })
const side = (sampleRate: number, channels: number, format: Format) => ({ sampleRate, channels, format })

test('what needs no change passes bit for bit, and what is changed is told', async (t) => {
  const path = await folder(t)
  const sent = noise('int16', 2 * 5000)
  const same48 = await make(path('in.wav'), sent, RATE, 2, 'int16')
  const stream = await duplex(t)
  t.deepEqual(stream.conversion, { playback: null, recording: [] })
  await stream.setSource(same48, { resample: 'auto', quality: 'fast', gain: 0 })
  await stream.setSink([
    path('same.wav'),
    { path: path('other.aiff'), sampleRate: 44_100, channels: 1, quality: 'good' },
  ])
  t.deepEqual(stream.conversion, {
    playback: null,
    recording: [null, { file: file(44_100, 1, 'pcm_16'), stream: side(RATE, 2, 'int16'), quality: 'good', gain: 0 }],
  })
  await run(stream)
  same(t, (await decode(path('same.wav'), { format: 'int16' })).data, sent)
  t.is((await decode(path('other.aiff'))).data.length, Math.ceil((5000 * 44_100) / RATE))

  const float = await duplex(t, { format: 'float32' })
  await float.setSource(same48, { gain: -3 })
  const told = { file: file(RATE, 2, 'pcm_16'), stream: side(RATE, 2, 'float32'), quality: undefined }
  t.deepEqual(float.conversion.playback, { ...told, gain: -3 })
  await float.setSource(same48)
  // Only the samples are others, and they lose nothing.
  t.deepEqual(float.conversion.playback, { ...told, gain: 0 })
  await float.setSource(null)
  t.is(float.conversion.playback, null)
})

test('a file of another rate is played at its pitch and length, in every run and format', async (t) => {
  const path = await folder(t)
  const frames = 44_100
  for (const [format, floor] of [
    ['float32', -130],
    ['int32', -130],
    ['int24', -130],
    ['int16', -90],
  ] as const) {
    const given = await make(path(`${format}.wav`), sine(997, 44_100, frames), 44_100, 1, 'float32')
    const stream = await duplex(t, { channels: 1, format })
    await using opened = await SoundFile.open(given)
    await stream.setSource(opened)
    for (const name of ['a.wav', 'b.wav']) {
      await stream.toFile(path(name), {
        encoding: format === 'float32' ? 'float' : (`pcm_${format.slice(3)}` as 'pcm_16'),
      })
      await run(stream)
      t.like(stream, { frameCount: RATE, played: RATE })
      const { data } = await decode(path(name))
      t.is(data.length, RATE)
      const far = error(data, 997, RATE)
      t.true(far < floor, `${format}: ${far} dB`)
    }
  }
})

test('frames, pad and offset count at the rate of the stream', async (t) => {
  const path = await folder(t)
  const given = await make(path('in.wav'), sine(1000, 44_100, 4410, 2), 44_100, 2, 'float32')
  const stream = await duplex(t, { format: 'float32' })
  const whole = await stream.playrec(given)
  t.is(whole.length, 2 * 4800)
  const cut = await stream.playrec(given, { frames: 4000, pad: 100, offset: 50 })
  same(t, cut.subarray(0, 2 * 3950), whole.subarray(100, 8000))
  t.true(cut.subarray(2 * 3950).every((sample) => sample === 0))
  t.is(cut.length, 2 * 4050)
  const chunks = []
  for await (const chunk of stream.chunks({ playback: given, pad: 0, gain: 20 * Math.log10(0.5) }))
    chunks.push(chunk.slice())
  const halved = (whole as Float32Array).map((sample) => sample / 2)
  const got = concat(chunks[0]!, ...chunks.slice(1)) as Float32Array
  t.true(got.every((sample, index) => Math.abs(sample - halved[index]!) < 1e-7))
})

test('a loop of another rate has no seam', async (t) => {
  const path = await folder(t)
  // Ten periods in 441 frames: 480 at 48 kHz, and 320 at 32 kHz.
  const given = await make(path('loop.wav'), sine(1000, 44_100, 441), 44_100, 1, 'float32')
  const stream = await duplex(t, { channels: 1, format: 'float32' })
  const got = await stream.playrec(given, { loop: true, frames: 20_000 })
  t.is(got.length, 20_000)
  t.true(error(got as Float32Array, 1000, RATE) < -120)
})

const grid = (channels: number, of: (frame: number, channel: number) => number): Int16Array =>
  Int16Array.from({ length: 300 * channels }, (_, index) => of(Math.floor(index / channels), index % channels))
const value = (frame: number, channel: number): number => 1000 * channel + 2 * frame + 1

const counts: [from: number, to: number, of: (frame: number, channel: number) => number][] = [
  [1, 2, (frame) => value(frame, 0)],
  [1, 4, (frame, channel) => (channel < 2 ? value(frame, 0) : 0)],
  // The mean of two odd numbers 1000 apart.
  [2, 1, (frame) => value(frame, 0) + 500],
  [2, 3, (frame, channel) => (channel < 2 ? value(frame, channel) : 0)],
  [4, 2, value],
  [3, 1, value],
]
for (const [from, to, of] of counts) {
  test(`${from} to ${to} channels`, async (t) => {
    const path = await folder(t)
    const sent = grid(from, value)
    const given = await make(path('in.wav'), sent, RATE, from, 'int16')
    const stream = await duplex(t, { channels: to })
    same(t, await stream.playrec(given), grid(to, of), 'played')
    const other = await duplex(t, { channels: from })
    await other.setSource(sent)
    await other.toFile(path('out.wav'), { channels: to })
    await run(other)
    const got = await decode(path('out.wav'), { format: 'int16' })
    t.is(got.channels, to)
    same(t, got.data, grid(to, of), 'recorded')
  })
}

test('a map tells the channels where there is one', async (t) => {
  const path = await folder(t)
  const mono = await make(path('mono.wav'), grid(1, value), RATE, 1, 'int16')
  const right = await duplex(t, { txMapping: [0, 1] })
  same(
    t,
    await right.playrec(mono),
    grid(2, (frame, channel) => (channel === 1 ? value(frame, 0) : 0)),
  )
  const second = await duplex(t, { rxMapping: [2] })
  await second.setSource(grid(2, value))
  await second.toFile(path('out.wav'), { channels: 1 })
  await run(second)
  same(
    t,
    (await decode(path('out.wav'), { format: 'int16' })).data,
    grid(1, (frame) => value(frame, 1)),
  )
})

test('gain rounds half to even and clips integers, not floats', async (t) => {
  const path = await folder(t)
  const sent = Int16Array.of(1, 3, 5, -1, -3, 1000, -1000, 20_000, -20_000, 32_767, -32_768, 0)
  const given = await make(path('in.wav'), sent, RATE, 1, 'int16')
  const half = 20 * Math.log10(0.5)
  const stream = await duplex(t, { channels: 1 })
  const halves = Int16Array.of(0, 2, 2, 0, -2, 500, -500, 10_000, -10_000, 16_384, -16_384, 0)
  same(t, await stream.playrec(given, { gain: half }), halves)
  const doubles = Int16Array.of(2, 6, 10, -2, -6, 2000, -2000, 32_767, -32_768, 32_767, -32_768, 0)
  same(t, await stream.playrec(given, { gain: -half }), doubles)
  for (const [gain, wanted] of [
    [half, halves],
    [-half, doubles],
  ] as const) {
    await stream.setSource(sent)
    await stream.toFile(path('out.wav'), { gain })
    await run(stream)
    same(t, (await decode(path('out.wav'), { format: 'int16' })).data, wanted)
    await stream.setSink(null)
  }
  for (const gain of [6, -6]) {
    const got = (await stream.playrec(given, { gain })) as Int16Array
    const factor = 10 ** (gain / 20)
    const wanted = sent.map((sample) => Math.max(-32_768, Math.min(32_767, Math.round(sample * factor))))
    same(t, got, wanted, `${gain} dB`)
  }
  const float = await duplex(t, { channels: 1, format: 'float32' })
  const got = (await float.playrec(given, { gain: -half })) as Float32Array
  t.deepEqual(
    [...got],
    [...sent].map((sample) => sample / 16_384),
  )
})

test('what can’t be fitted is refused before anything runs', async (t) => {
  const path = await folder(t)
  const given = await make(path('in.wav'), new Int16Array(100), 44_100, 1, 'int16')
  const stream = await duplex(t)
  const [ARGUMENT, CONFIG] = ['ERR_PASTREAM_INVALID_ARGUMENT', 'ERR_PASTREAM_UNSUPPORTED_CONFIG'] as const
  const off = /in\.wav has 44100 Hz, the stream 48000 Hz/
  await fails(t, () => stream.setSource(given, { resample: 'off' }), CONFIG, off)
  await fails(
    t,
    () => stream.setSource(given, { resample: 'no' as 'off' }),
    ARGUMENT,
    /resample is no: give one of auto/,
  )
  await fails(t, () => stream.setSource(given, { quality: 'x' as 'best' }), ARGUMENT, /quality is x: give one of fast/)
  await fails(t, () => stream.setSource(given, { gain: 201 }), ARGUMENT, /201 dB is out of range/)
  await fails(t, () => stream.setSource(given, { gain: NaN }), ARGUMENT, /NaN dB is out of range/)
  await fails(t, () => stream.setSource(given, { gain: '3' as unknown as number }), ARGUMENT, /gain is 3: give a level/)
  await fails(t, () => stream.setSource(new Int16Array(2), { gain: 1 }), ARGUMENT, /`gain` is of files/)
  const sink = (more: object): Sink => ({ path: path('out.wav'), ...more })
  await fails(
    t,
    () => stream.setSink(sink({ sampleRate: 187 })),
    CONFIG,
    /out\.wav has 187 Hz, the stream 48000 Hz: .* at most 256 times/,
  )
  await fails(t, () => stream.setSink(sink({ channels: 257 })), ARGUMENT, /257 channels/)
  await fails(t, () => stream.setSink(sink({ gain: -201 })), ARGUMENT, /-201 dB is out of range/)
  await fails(t, () => SoundFile.open(sink({ gain: 1 }) as never, { mode: 'w', sampleRate: 1, channels: 1 }), ARGUMENT)
  t.deepEqual(stream.conversion, { playback: null, recording: [] })
})

test('a device that can’t be like the file gets the file as it can be', async (t) => {
  const path = await folder(t)
  const given = await make(path('in.wav'), sine(1000, 44_100, 4410), 44_100, 1, 'float32')
  const device = `${FREE}:rate=48000:channels=2`
  await using stream = await OutputStream.fromFile(given, { device, quality: 'good', gain: -1 })
  t.like(stream, { sampleRate: RATE, channels: 2 })
  t.deepEqual(stream.conversion.playback, {
    file: file(44_100, 1, 'float'),
    stream: side(RATE, 2, 'float32'),
    quality: 'good',
    gain: -1,
  })
  t.is((await playrec(given, { device })).length, 2 * 4800)
  await play(given, { device })
  const CONFIG = 'ERR_PASTREAM_UNSUPPORTED_CONFIG'
  await fails(t, () => play(given, { device, resample: 'off' }), CONFIG, /44100/)
  await fails(t, () => play(given, { device, sampleRate: 44_100 }), CONFIG, /44100/)
})

needing(['sox', 'ffmpeg'], 'files of sox and ffmpeg become what sox makes of them', async (t) => {
  const path = await folder(t)
  const cwd = path('')
  tool(
    cwd,
    'sox',
    '-n',
    '-r',
    '44100',
    '-c',
    '2',
    '-b',
    '24',
    'in.wav',
    'synth',
    '1',
    'sine',
    '440-15000',
    'gain',
    '-6',
  )
  tool(cwd, 'sox', 'in.wav', '-e', 'float', '-b', '32', 'sox.wav', 'rate', '-v', '48000')
  const stream = await duplex(t, { format: 'float32' })
  await stream.setSource(path('in.wav'))
  await stream.setSink([path('48.wav'), { path: path('44.wav'), sampleRate: 44_100 }])
  await run(stream)
  const [ours, theirs] = [await decode(path('48.wav')), await decode(path('sox.wav'))]
  t.is(ours.data.length, theirs.data.length)
  const edge = 4000
  const apart = (one: Float32Array, other: Float32Array): number => {
    const inner = one.subarray(edge, -edge).map((sample, index) => sample - other[index + edge]!)
    return 10 * Math.log10(inner.reduce((sum, sample) => sum + sample ** 2, 0) / inner.length)
  }
  const far = apart(ours.data, theirs.data)
  t.true(far < -110, `${far} dB`)
  // There and back.
  tool(cwd, 'ffmpeg', '-v', 'error', '-i', '44.wav', '-f', 'f32le', 'back.raw')
  const raw = { type: 'raw', encoding: 'float', channels: 2, sampleRate: 44_100 } as const
  const back = await decode({ path: path('back.raw'), ...raw })
  t.is(back.data.length, 2 * 44_100)
  const round = apart(back.data, (await decode(path('in.wav'))).data)
  t.true(round < -110, `${round} dB`)
})

linux('a pipe of another rate is played to its end', async (t) => {
  const path = await folder(t)
  const given = await make(path('in.au'), sine(1000, 44_100, 10_000), 44_100, 1, 'float32')
  const stream = await duplex(t, { channels: 1, format: 'float32' })
  const direct = await stream.playrec(given)
  tool(path(''), 'mkfifo', 'pipe')
  const writing = spawn('sh', ['-c', 'cat in.au > pipe'], { cwd: path(''), stdio: 'inherit' })
  t.teardown(() => writing.kill())
  await stream.setSource(path('pipe'))
  await stream.toFile(path('out.wav'))
  await run(stream)
  same(t, (await decode(path('out.wav'))).data, direct)
})
