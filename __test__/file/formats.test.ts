import { readFile } from 'node:fs/promises'
import test from 'ava'
import { decode, DuplexStream, encode, SoundFile, type Container, type Tags } from 'pastream-rs'
import { needing, tool } from '../cli/support.ts'
import { duplex, fails, folder, noise, RATE, same } from '../support.ts'

const ARGUMENT = 'ERR_PASTREAM_INVALID_ARGUMENT'
const UNSUPPORTED = 'ERR_PASTREAM_UNSUPPORTED_FILE'

const ALL: Tags = {
  title: 'Größe',
  artist: 'a',
  album: 'b c',
  date: '2026-11-28T12:00:01',
  comment: 'd=e',
  track: '3',
  description: 'f',
  originator: 'g',
  timeReference: 2 ** 40,
}
const HOLDERS = [
  ['wav', ALL],
  ['rf64', ALL],
  ['au', ALL],
  ['caf', ALL],
  ['flac', ALL],
  ['aiff', { title: 'Größe', artist: 'a', comment: 'd=e' }],
] as const satisfies readonly (readonly [Container, Tags])[]

for (const [type, tags] of HOLDERS) {
  test(`${type}: tags are written by SoundFile, encode and a stream, and read`, async (t) => {
    const path = await folder(t)
    const sent = noise('int16', 2 * 5000)
    const settings = { sampleRate: RATE, channels: 2, format: 'int16' } as const
    const out = await SoundFile.open({ path: path('a'), type }, { mode: 'w', ...settings, tags })
    t.deepEqual(out.info.tags, tags)
    await out.write(sent)
    await out.close()
    const bytes = await encode(sent, { type, ...settings, tags })
    t.deepEqual(Buffer.from(bytes), await readFile(path('a')))

    const stream = await duplex(t, { ...settings, device: 'virtual:clock=free' })
    stream.setSink({ path: path('b'), type, tags })
    await stream.play(sent)
    for (const file of [path('a'), path('b'), bytes]) {
      await using read = await SoundFile.open(file)
      t.deepEqual(read.info.tags, tags)
      t.is(read.info.container, type)
      same(t, await read.read(Infinity), sent)
    }
  })
}

test('tags that a kind of file can’t hold, and what is no tag, are refused before anything is created', async (t) => {
  const path = await folder(t)
  const open = (name: string, tags: object) =>
    SoundFile.open(path(name), { mode: 'w', sampleRate: 8000, channels: 1, tags })
  await fails(t, () => open('x.w64', { title: 'x' }), UNSUPPORTED, /w64 can't hold the tag title: leave tags out/)
  await fails(t, () => open('x.aiff', { album: 'x' }), UNSUPPORTED, /it has title, artist, comment/)
  await fails(t, () => open('x.wav', { originator: 'x'.repeat(33) }), UNSUPPORTED, /33 bytes, and wav holds 32/)
  await fails(t, () => open('x.wav', { genre: 'x' }), ARGUMENT, /unknown tag `genre`: use one of title/)
  await fails(t, () => open('x.wav', { title: 5 }), ARGUMENT, /the tag title is 5: give a string/)
  await fails(t, () => open('x.wav', { timeReference: 0.5 }), ARGUMENT, /the tag timeReference is 0.5/)
  await fails(t, () => open('x.wav', { title: 'a\0b' }), ARGUMENT, /NUL/)
  await t.throwsAsync(readFile(path('x.wav')))
})

test('flac is written by its name, and holds float32 as 24 bits', async (t) => {
  const path = await folder(t)
  const sent = Float32Array.from({ length: 30_000 }, (_, n) => ((n * 7919) % 65_536) / 32_768 - 1)
  const stream = await duplex(t, { sampleRate: RATE, channels: 1, format: 'float32', device: 'virtual:clock=free' })
  stream.setSink(path('take.flac'))
  await stream.play(sent)
  await using file = await SoundFile.open(path('take.flac'))
  t.like(file.info, { container: 'flac', codec: 'flac', encoding: 'pcm_24', frames: 30_000, missing: 0, tags: {} })
  same(t, (await decode(path('take.flac'))).data, sent)
})

test('dither is the same with the same seed, and none by default', async (t) => {
  const samples = new Float32Array(20_000).fill(1e-5)
  const make = async (dither?: boolean | { seed: number }) => {
    const settings = { sampleRate: RATE, channels: 2, encoding: 'pcm_16' } as const
    const bytes = await encode(samples, { ...settings, ...(dither !== undefined && { dither }) })
    return (await decode(bytes, { format: 'int16' })).data
  }
  const plain = new Int16Array(20_000)
  same(t, await make(), plain)
  same(t, await make(false), plain)
  const noisy = await make(true)
  t.deepEqual(
    [...new Set(noisy)].toSorted((one, other) => one - other),
    [-1, 0, 1],
  )
  same(t, await make({ seed: 0 }), noisy)
  t.notDeepEqual(await make({ seed: 1 }), noisy)
  for (const dither of [{ seed: -1 }, { seed: 0.5 }, 3, { seeds: 1 }]) {
    await fails(t, () => make(dither as never), ARGUMENT, /dither is true, false|no option `seeds`/)
  }
})

test('files in memory are decoded, opened and played as others are', async (t) => {
  const sent = noise('int16', 2 * 20_000)
  const settings = { sampleRate: RATE, channels: 2 } as const
  const bytes = await encode(sent, { ...settings, type: 'caf' })
  const array = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
  for (const file of [bytes, Buffer.from(bytes), array]) {
    const decoded = await decode(file, { format: 'int16' })
    t.like(decoded, { ...settings, format: 'int16', missing: 0 })
    same(t, decoded.data, sent)
  }
  await using file = await SoundFile.open(bytes)
  // It was copied.
  bytes.fill(0)
  await file.seek(19_990)
  same(t, await file.read(100), sent.subarray(2 * 19_990))

  const stream = await DuplexStream.open({ ...settings, format: 'int16', device: 'virtual:clock=free' })
  same(t, await stream.playrec(file), sent)
  // Played before, it is opened once more.
  same(t, await stream.playrec(file), sent)
  await stream.close()

  const raw = { type: 'raw', encoding: 'pcm_16', ...settings } as const
  same(t, (await decode({ path: await encode(sent, raw), ...raw }, { format: 'int16' })).data, sent)
  await fails(t, () => decode(new Uint8Array(0)), UNSUPPORTED, /the file in memory: it is empty/)
  await fails(t, () => decode(new Uint8Array(100)), UNSUPPORTED, /the file in memory: not an audio file/)
})

test('encode takes bytes where their format is given, and refuses what is no whole frame', async (t) => {
  const sent = noise('int24', 100)
  const settings = { sampleRate: RATE, channels: 1 } as const
  const decoded = await decode(await encode(sent, { ...settings, format: 'int24' }), { format: 'int24' })
  same(t, decoded.data, sent)
  await fails(t, () => encode(sent, settings), ARGUMENT, /bytes say nothing of their samples: give `format`/)
  await fails(t, () => encode(new Int16Array(3), { ...settings, channels: 2 }), ARGUMENT, /no whole number of frames/)
  await fails(
    t,
    () => encode(new Int16Array(2), { channels: 2 } as never),
    ARGUMENT,
    /needs `channels` and `sampleRate`/,
  )
  await fails(t, () => encode(new Int16Array(2), { ...settings, type: 'mp3' }), UNSUPPORTED, /mp3 is read, not written/)
  await fails(
    t,
    () => encode(new Int16Array(2), { ...settings, sampleRat: 1 } as never),
    ARGUMENT,
    /no option `sampleRat`/,
  )
  const signal = AbortSignal.abort(new Error('enough'))
  await t.throwsAsync(encode(new Int16Array(2), { ...settings, signal }), { message: 'enough' })
})

needing(['ffmpeg'], 'opus is read, with what ffmpeg says of it', async (t) => {
  const path = await folder(t)
  const graph = 'aevalsrc=0.4*sin(900*t)|0.3*sin(500*t):s=48000'
  const how = ['-af', 'atrim=end_sample=50001', '-metadata', 'title=T', '-c:a', 'libopus']
  tool(path(''), 'ffmpeg', '-v', 'error', '-f', 'lavfi', '-i', graph, ...how, 'x.opus')
  await using file = await SoundFile.open(path('x.opus'))
  t.like(file.info, { container: 'ogg', codec: 'opus', channels: 2, sampleRate: 48_000, frames: 50_001, missing: 0 })
  t.is(file.info.tags.title, 'T')
  const { data } = await decode(await readFile(path('x.opus')))
  const wave = (n: number) => 0.4 * Math.sin((900 * n) / 48_000)
  const errors = Array.from({ length: 40_000 }, (_, n) => Math.abs(data[2 * (n + 5000)]! - wave(n + 5000)))
  t.true(Math.max(...errors) < 0.02)
})
