import test from 'ava'
import {
  checkSettings,
  chunks,
  decode,
  defaults,
  DuplexStream,
  InputStream,
  OutputStream,
  play,
  playrec,
  record,
  SoundFile,
} from 'pastream-rs'
import { concat, duplex, fails, folder, noise, RATE, same } from './support.ts'

const device = 'virtual:clock=free'
const SENT = noise('int16', 2 * 5000) as Int16Array

/** A file of `SENT`. */
async function file(path: string): Promise<void> {
  await using stream = await DuplexStream.open({ device, sampleRate: 44_100, channels: 2, format: 'int16' })
  await stream.toFile(path)
  await stream.play(SENT)
}

test('play, record and playrec open, do one thing, and close', async (t) => {
  const path = await folder(t)
  await file(path('in.wav'))
  await play(path('in.wav'), { device })
  await play(SENT, { device, format: 'int16', pad: 10 })
  const recorded: Int16Array = await record({ device, format: 'int16', channels: 1, frames: 300, offset: 100 })
  same(t, recorded, new Int16Array(200))
  // Rate, channels and format are the file's.
  same(t, await playrec(path('in.wav'), { device }), SENT)
  const out = new Int16Array(40)
  t.is(await playrec(SENT, { device, format: 'int16', channels: 2, out, offset: 10 }), out)
  same(t, out, SENT.subarray(20, 60))
  const other = { device, sampleRate: 8000, resample: 'off' } as const
  await fails(t, () => play(path('in.wav'), other), 'ERR_PASTREAM_UNSUPPORTED_CONFIG', /44100/)
  await fails(
    t,
    () => play(SENT, { device, volume: 3 } as object),
    'ERR_PASTREAM_INVALID_ARGUMENT',
    /no option `volume`/,
  )
  await fails(
    t,
    () => record({ device } as Parameters<typeof record>[0]),
    'ERR_PASTREAM_INVALID_ARGUMENT',
    /`frames` or `out`/,
  )
  await using whole = await SoundFile.open(path('in.wav'))
  t.is(whole.info.frames, 5000)
  t.is((await decode(path('in.wav'), { format: 'int16' })).sampleRate, 44_100)
})

test('chunks open a stream, and close it when the loop is left', async (t) => {
  const path = await folder(t)
  await file(path('in.wav'))
  const parts: Int16Array[] = []
  for await (const chunk of chunks({ device, playback: path('in.wav'), pad: 0, size: 700 })) {
    parts.push((chunk as Int16Array).slice())
  }
  same(t, concat(new Int16Array(), ...parts), SENT)
  let frames = 0
  for await (const [left] of chunks({ device, format: 'int16', channels: 2, size: 480, planar: true })) {
    frames += left?.length ?? 0
    if (frames >= 4800) break
  }
  t.is(frames, 4800)
  await fails(t, () => chunks({ device, loop: true }).next(), 'ERR_PASTREAM_INVALID_ARGUMENT', /of a `playback`/)
})

test('settings are checked without playing', async (t) => {
  const settings = await checkSettings({ device, sampleRate: 44_100, channels: [1, 2], format: 'int16' })
  t.deepEqual(settings, { device, sampleRate: 44_100, channels: [1, 2], format: 'int16', blockSize: 512 })
  for (const direction of ['input', 'output', 'duplex'] as const) {
    const wrong = () => checkSettings({ device: 'virtual:rate=48000', sampleRate: 44_100, direction })
    await fails(t, wrong, 'ERR_PASTREAM_UNSUPPORTED_CONFIG', /48000/)
  }
  const sideways = () => checkSettings({ device, direction: 'up' as 'input' })
  await fails(t, sideways, 'ERR_PASTREAM_INVALID_ARGUMENT', /one of input, output, duplex/)
})

test.serial('defaults hold where a stream says nothing itself', async (t) => {
  Object.assign(defaults, { device, sampleRate: 32_000, channels: 3, format: 'int24', blockSize: 100, latency: 'low' })
  t.teardown(() => {
    for (const name of Object.keys(defaults)) delete defaults[name as keyof typeof defaults]
  })
  for (const Kind of [InputStream, OutputStream, DuplexStream]) {
    await using stream = await Kind.open()
    t.like(stream, { device, sampleRate: 32_000, channels: 3, format: 'int24', blockSize: 100 })
    await using other = await Kind.open({ sampleRate: 8000, channels: 1, format: 'int16' })
    t.like(other, { device, sampleRate: 8000, channels: 1, format: 'int16', blockSize: 100 })
  }
  const path = await folder(t)
  await file(path('in.wav'))
  // What a file is, it is.
  t.is((await playrec(path('in.wav'))).byteLength, SENT.byteLength)
})

test('a stream tells its mappings', async (t) => {
  const stream = await duplex(t, { txMapping: [2, 1], rxMapping: { 1: 2 } })
  t.deepEqual([stream.txMapping, stream.rxMapping], [[2, 1], { 1: 2 }])
  t.is((await duplex(t)).txMapping, undefined)
  t.is(stream.sampleRate, RATE)
})
