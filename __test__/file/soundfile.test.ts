import { execFileSync } from 'node:child_process'
import { access, open, readFile, rename, stat, writeFile } from 'node:fs/promises'
import test, { type ExecutionContext } from 'ava'
import {
  decode,
  DuplexStream,
  SoundFile,
  type ArrayOf,
  type Encoding,
  type FileSource,
  type Format,
  type SampleArray,
} from 'pastream-rs'
import { asSox, needing, ramp, readWav, tool, wav } from '../cli/support.ts'
import { bytes, concat, duplex, fails, folder, HELD, linux, noise, RATE, same } from '../support.ts'

const STATE = 'ERR_PASTREAM_STREAM_STATE'
const ARGUMENT = 'ERR_PASTREAM_INVALID_ARGUMENT'
const UNSUPPORTED = 'ERR_PASTREAM_UNSUPPORTED_FILE'

const encodings: Record<Format, Encoding> = {
  float32: 'float',
  int32: 'pcm_32',
  int24: 'pcm_24',
  int16: 'pcm_16',
  int8: 'pcm_s8',
  uint8: 'pcm_u8',
}

/** A written file as it is read. */
function named(path: string, format: Format): FileSource {
  return path.endsWith('raw') ? { path, encoding: encodings[format], channels: 2, sampleRate: RATE } : { path }
}

/** Fails unless a WAV file of 8000 Hz, whose every length is true, holds these samples. */
function holds(t: ExecutionContext, path: string, samples: Int16Array): void {
  const { data, ...format } = readWav(path)
  t.deepEqual(format, { tag: 1, channels: 2, rate: 8000, bits: 16 })
  same(t, data, samples)
}

/** Frames `from` to `to` of stereo samples. */
function part<T extends SampleArray>(format: Format, data: T, from: number, to?: number): T {
  const elements = format === 'int24' ? 6 : 2
  return data.subarray(from * elements, to === undefined ? undefined : to * elements) as T
}

async function save(path: string, format: Format, data: SampleArray): Promise<void> {
  await using file = await SoundFile.open(path, { mode: 'w', sampleRate: RATE, channels: 2, format })
  await file.write(data)
}

for (const [type, formats] of Object.entries(HELD) as [keyof typeof HELD, readonly Format[]][]) {
  test(`${type}: written, read, sought and iterated, bit for bit, in every format`, async (t) => {
    const path = await folder(t)
    for (const format of formats) {
      const sent = noise(format, 2 * 70_001)
      const to = path(`${format}.${type}`)
      const out = await SoundFile.open(to, { mode: 'w', sampleRate: RATE, channels: 2, format })
      t.is(out.format, format)
      t.is(await out.write(part(format, sent, 0, 30_000)), 30_000)
      t.is(await out.write(bytes(part(format, sent, 30_000))), 40_001)
      t.like(out.info, { container: type, encoding: encodings[format], channels: 2, sampleRate: RATE, frames: 70_001 })
      t.is(out.position, 70_001)
      await out.close()
      t.is(out.info.frames, 70_001)

      await using file = await SoundFile.open(named(to, format))
      t.like(file.info, { container: type, encoding: encodings[format], channels: 2, sampleRate: RATE, missing: 0 })
      t.is(file.info.frames, 70_001)
      t.is(file.format, format)
      t.is(file.position, 0)
      same(t, await file.read(3), part(format, sent, 0, 3))
      t.is(file.position, 3)
      same(t, await file.read(), part(format, sent, 3, 65_539))
      same(t, await file.read(1_000_000), part(format, sent, 65_539))
      t.is(file.position, 70_001)
      t.is((await file.read()).length, 0)
      await file.seek(69_990)
      t.is(file.position, 69_990)
      same(t, await file.read(Infinity), part(format, sent, 69_990))
      await file.seek(1e15)
      t.is(file.position, 70_001)
      t.is((await file.read(1)).length, 0)

      await file.seek(1)
      const sizes: number[] = []
      const blocks: SampleArray[] = []
      for await (const block of file.blocks({ size: 30_000 })) {
        sizes.push(block.byteLength / (sent.byteLength / 70_001))
        blocks.push(block)
      }
      t.deepEqual(sizes, [30_000, 30_000, 10_000])
      same(t, concat(...(blocks as [SampleArray, ...SampleArray[]])), part(format, sent, 1))
    }
  })
}

test('samples come in the format that is asked for, and go from the one that is given', async (t) => {
  const path = await folder(t)
  const sent = ramp(1000)
  await writeFile(path('in.wav'), wav(sent))
  const expected: Partial<{ [F in Format]: ArrayOf[F] }> = {
    int16: sent,
    float32: Float32Array.from(sent, (sample) => sample / 2 ** 15),
    int32: Int32Array.from(sent, (sample) => sample * 2 ** 16),
    int24: Uint8Array.from(
      sent.length * 3 === 6000 ? [...sent].flatMap((sample) => [0, sample & 255, sample >> 8]) : [],
    ),
  }
  for (const [format, samples] of Object.entries(expected) as [Format, SampleArray][]) {
    await using file = await SoundFile.open(path('in.wav'), { format })
    t.is(file.format, format)
    t.is(file.info.format, 'int16')
    same(t, await file.read(Infinity), samples, format)
    await file.seek(10)
    same(t, await file.read(7), part(format, samples, 10, 17), format)

    const to = { path: path(`${format}.wav`), encoding: 'pcm_16' } as const
    const out = await SoundFile.open(to, { mode: 'w', sampleRate: 8000, channels: 2, format })
    await out.write(samples)
    await out.close()
    holds(t, to.path, sent)
  }
  const float = await SoundFile.open(path('float.au'), { mode: 'w', sampleRate: 8000, channels: 1 })
  t.is(float.format, 'float32')
  t.is(float.info.encoding, 'float')
  await float.close()
})

test('a loop that is left leaves the file open, and the next one goes on', async (t) => {
  const path = await folder(t)
  const sent = ramp(70_000)
  await writeFile(path('in.wav'), wav(sent))
  await using file = await SoundFile.open(path('in.wav'), { format: 'int16' })
  for await (const block of file) {
    same(t, block, sent.subarray(0, 2 * 65_536))
    break
  }
  t.is(file.position, 65_536)
  for await (const block of file.blocks({ size: 10 })) {
    same(t, block, sent.subarray(2 * 65_536, 2 * 65_546))
    break
  }
  same(t, await file.read(Infinity), sent.subarray(2 * 65_546))
})

test('big-endian files are written and read as asked', async (t) => {
  const path = await folder(t)
  const sent = ramp(100)
  const write = { mode: 'w', sampleRate: 8000, channels: 2, format: 'int16' } as const
  const out = await SoundFile.open({ path: path('big'), type: 'wav', endian: 'big' }, write)
  await out.write(sent)
  await out.close()
  same(t, Buffer.from(readWav(path('big')).data).swap16(), sent)
  same(t, (await decode(path('big'), { format: 'int16' })).data, sent)
})

test('what is there stays until the first write, and each write makes the file whole', async (t) => {
  const path = await folder(t)
  await writeFile(path('there.wav'), 'what stood there before')
  const options = { mode: 'w', sampleRate: 8000, channels: 2, format: 'int16' } as const
  const file = await SoundFile.open(path('there.wav'), options)
  t.is(file.info.frames, 0)
  await fails(t, () => file.write(new Int16Array(3)), ARGUMENT, /6 bytes are no whole number of frames of 2 × int16/)
  await fails(t, () => file.write(new Float32Array(4)), ARGUMENT, /int16 are Int16Array or bytes, not Float32Array/)
  await fails(t, () => file.write('samples' as unknown as Int16Array), ARGUMENT, /typed array/)
  t.is(await readFile(path('there.wav'), 'utf8'), 'what stood there before')
  const sent = ramp(20)
  for (const frames of [10, 20]) {
    await file.write(sent.subarray(2 * frames - 20, 2 * frames))
    await fails(t, () => file.write(new Int16Array(5)), ARGUMENT, /whole number of frames/)
    t.is(file.position, frames)
    holds(t, path('there.wav'), sent.subarray(0, 2 * frames))
  }
  await file.close()
  holds(t, path('there.wav'), sent)
})

test('a file that nothing was written to is an empty one', async (t) => {
  const path = await folder(t)
  for (const name of ['new.wav', 'new.au', 'there.wav']) {
    if (name === 'there.wav') await writeFile(path(name), 'x'.repeat(1000))
    const file = await SoundFile.open(path(name), { mode: 'w', sampleRate: 8000, channels: 1, format: 'int16' })
    if (name !== 'there.wav') await t.throwsAsync(access(path(name)))
    await file.close()
    await using back = await SoundFile.open(path(name))
    t.like(back.info, { frames: 0, missing: 0, sampleRate: 8000, channels: 1 })
    t.is((await back.read()).length, 0)
    t.true((await stat(path(name))).size < 100)
  }
})

test('what can’t be opened', async (t) => {
  const path = await folder(t)
  const write = { mode: 'w', sampleRate: 8000, channels: 2 } as const
  const opening =
    (file: unknown, options: object = write) =>
    () =>
      SoundFile.open(file as string, options as typeof write)
  await fails(t, opening(path('a.mp3')), UNSUPPORTED, /mp3/)
  await fails(t, opening({ path: path('a.wav'), encoding: 'pcm_s8' }), UNSUPPORTED, /pcm_s8/)
  await fails(t, opening(path('none/a.wav')), 'ERR_PASTREAM_IO', /none/)
  await fails(t, opening(path('a.wav'), { mode: 'w', channels: 2 }), ARGUMENT, /needs `channels` and `sampleRate`/)
  await fails(t, opening(path('a.wav'), { mode: 'w', sampleRate: 8000 }), ARGUMENT, /needs `channels`/)
  await fails(t, opening(path('a.wav'), { ...write, channels: 0 }), ARGUMENT, /channels is 0/)
  await fails(t, opening(path('a.wav'), { ...write, channels: 257 }), ARGUMENT, /257 channels \(1 to 256\)/)
  await fails(
    t,
    opening(path('a.wav'), { ...write, format: 'int17' }),
    ARGUMENT,
    /format is int17: give one of float32/,
  )
  await fails(t, opening(path('a.wav'), { ...write, rate: 1 }), ARGUMENT, /no option `rate`/)
  await fails(t, opening(path('a.wav'), { mode: 'rw' }), ARGUMENT, /mode is rw: give one of r, w/)
  await t.throwsAsync(access(path('a.wav')))
  await writeFile(path('a.wav'), wav(ramp(10)))
  await fails(t, opening(path('a.wav'), { format: 'int17' }), ARGUMENT, /format is int17/)
  await fails(t, opening(path('a.wav'), { sampleRate: 8000 }), ARGUMENT, /no option `sampleRate`/)
  await using file = await SoundFile.open(path('a.wav'))
  await fails(t, opening(file, {}), ARGUMENT, /a SoundFile is open already/)
  await fails(t, opening(path('a.wav')), 'ERR_PASTREAM_IO', /it is open/)
  for (const frames of [0, -1, 1.5, NaN]) {
    await fails(t, () => file.read(frames), ARGUMENT, /give a whole number of frames, at least 1/)
  }
  await fails(t, () => file.seek(-1), ARGUMENT, /frame is -1/)
  await fails(t, () => file.blocks({ size: 0 }).next(), ARGUMENT, /size is 0/)
  await fails(t, () => file.blocks({ overlap: 1 } as object).next(), ARGUMENT, /no option `overlap`/)
  same(t, await file.read(), ramp(10))
})

test('a file is read or written, as it was opened', async (t) => {
  const path = await folder(t)
  await writeFile(path('in.wav'), wav(ramp(10)))
  await using file = await SoundFile.open(path('in.wav'))
  await using out = await SoundFile.open(path('out.wav'), { mode: 'w', sampleRate: 8000, channels: 2, format: 'int16' })
  await fails(t, () => file.write(ramp(1)), STATE, /open for reading.*mode 'w'/)
  await fails(t, () => out.read(), STATE, /open for writing.*mode 'r'/)
  await fails(t, () => out.seek(0), STATE, /open for writing/)
  await fails(t, () => out.blocks().next(), STATE, /open for writing/)
  const stream = await duplex(t, { sampleRate: 8000 })
  await fails(t, () => stream.playrec(out), ARGUMENT, /open for writing: a source is/)
  await fails(t, () => DuplexStream.fromFile(out, { device: 'virtual' }), ARGUMENT, /open for writing: a source is/)
  await fails(t, () => stream.setSink(file as unknown as string), ARGUMENT, /a SoundFile is open already: only a path/)
  await fails(t, () => stream.setSink(out as unknown as string), ARGUMENT, /a SoundFile is open already: only a path/)
  same(t, await file.read(), ramp(10))
  t.is(await out.write(ramp(5)), 5)
})

test('a closed file', async (t) => {
  const path = await folder(t)
  await writeFile(path('in.wav'), wav(ramp(10)))
  const stream = await duplex(t, { sampleRate: 8000 })
  const file = await SoundFile.open(path('in.wav'))
  const out = await SoundFile.open(path('out.wav'), { mode: 'w', sampleRate: 8000, channels: 2, format: 'int16' })
  await out.write(ramp(3))
  for (const each of [file, out]) {
    const first = each.close()
    await Promise.all([first, each.close(), each[Symbol.asyncDispose]()])
    await each.close()
  }
  await fails(t, () => file.read(), STATE, /closed: open it anew/)
  await fails(t, () => file.seek(0), STATE, /closed/)
  await fails(t, () => file.blocks().next(), STATE, /closed/)
  await fails(t, () => stream.playrec(file), STATE, /closed/)
  await fails(t, () => out.write(ramp(1)), STATE, /closed/)
  t.is(out.info.frames, 3)
  holds(t, path('out.wav'), ramp(3))
  // Nothing of it is left open.
  const again = await SoundFile.open(path('in.wav'), { mode: 'w', sampleRate: 8000, channels: 1 })
  await again.close()
})

test('overwrite: false keeps what is there, and what comes there', async (t) => {
  const path = await folder(t)
  const target = { path: path('out.wav'), overwrite: false }
  const how = { mode: 'w', sampleRate: 8000, channels: 2, format: 'int16' } as const
  const out = await SoundFile.open(target, how)
  await writeFile(target.path, 'precious')
  const there = /out\.wav is there already, and is not to be written over: choose another file$/
  await fails(t, () => out.write(ramp(3)), 'ERR_PASTREAM_IO', there)
  await out.close()
  await fails(t, () => SoundFile.open(target, how), 'ERR_PASTREAM_IO', there)
  const stream = await duplex(t, { sampleRate: 8000 })
  await fails(t, () => stream.setSink(target), 'ERR_PASTREAM_IO', there)
  t.is(await readFile(target.path, 'utf8'), 'precious')
  const bad = { path: path('new.wav'), overwrite: 'no' as unknown as boolean }
  await fails(t, () => SoundFile.open(bad, how), ARGUMENT, /overwrite is no: give one of true, false/)

  const kept = await open(target.path, 'r+')
  await fails(t, () => SoundFile.open({ path: { fd: kept.fd }, overwrite: false }, how), ARGUMENT, /is open already/)
  await kept.close()
  t.is(await readFile(target.path, 'utf8'), 'precious')
  const { path: name } = bad
  await (await SoundFile.open({ path: name, overwrite: false }, how)).close()
  holds(t, name, ramp(0))
})

test('calls that are not awaited are done in their order, also after one that fails', async (t) => {
  const path = await folder(t)
  const sent = ramp(300_000)
  const out = await SoundFile.open(path('a.wav'), { mode: 'w', sampleRate: 8000, channels: 2, format: 'int16' })
  const writes = [
    out.write(sent.subarray(0, 500_000)),
    out.write(sent.subarray(0, 3)),
    out.write(sent.subarray(500_000)),
    out.close(),
  ]
  const ended = await Promise.allSettled(writes)
  t.deepEqual(
    ended.map((each) => (each.status === 'fulfilled' ? each.value : (each.reason as { code: string }).code)),
    [250_000, ARGUMENT, 50_000, undefined],
  )
  holds(t, path('a.wav'), sent)

  const file = await SoundFile.open(path('a.wav'), { format: 'int16' })
  const told: string[] = []
  const note = async <T>(name: string, work: Promise<T>): Promise<T> => work.finally(() => told.push(name))
  const [all, , some, refused, next] = await Promise.all([
    note('all', file.read(Infinity)),
    note('seek', file.seek(7)),
    note('some', file.read(2)),
    file.read(-1).catch((error: unknown) => error),
    note('next', file.read(3)),
    file.close(),
  ])
  same(t, all, sent)
  same(t, some, sent.subarray(14, 18))
  t.true(refused instanceof Error)
  same(t, next, sent.subarray(18, 24))
  t.deepEqual(told, ['all', 'seek', 'some', 'next'])
})

test('a stream that plays a file moves no position, and always begins at its beginning', async (t) => {
  const path = await folder(t)
  const sent = noise('int16', 2 * 50_000) as Int16Array
  await save(path('in.wav'), 'int16', sent)
  const stream = await duplex(t)
  await using file = await SoundFile.open(path('in.wav'), { format: 'float32' })
  const floats = Float32Array.from(sent, (sample) => sample / 2 ** 15)
  same(t, await stream.playrec(file), sent)
  t.is(file.position, 0)
  same(t, await file.read(10), floats.subarray(0, 20))
  for (let round = 0; round < 2; round++) {
    same(t, await stream.playrec(file), sent)
    t.is(file.position, 10 + 5 * round)
    same(t, await file.read(5), floats.subarray(20 + 10 * round, 30 + 10 * round))
  }
  await file.seek(100)
  await stream.setSource(file, { loop: true })
  await stream.start({ frames: 120_000 })
  const blocks: Float32Array[] = []
  for await (const block of file.blocks({ size: 1000 })) blocks.push(block)
  same(t, concat(...(blocks as [Float32Array, ...Float32Array[]])), floats.subarray(200))
  await stream.wait()
  t.is(stream.played, 120_000)
  t.is(file.position, 50_000)
})

test('a stream’s file is read on though it was moved away; what took its place is not', async (t) => {
  const path = await folder(t)
  const sent = noise('int16', 2 * 500)
  await save(path('in.wav'), 'int16', sent)
  const stream = await duplex(t)
  await using read = await SoundFile.open(path('in.wav'))
  await using played = await SoundFile.open(path('in.wav'))
  same(t, await read.read(100), sent.subarray(0, 200))
  same(t, await stream.playrec(played), sent)
  await rename(path('in.wav'), path('moved.wav'))
  await save(path('in.wav'), 'int24', noise('int24', 2 * 500))
  same(t, await read.read(), sent.subarray(200))
  await fails(t, () => played.read(), 'ERR_PASTREAM_IO', /in\.wav was replaced by another kind of file/)
  await fails(t, () => stream.playrec(played), 'ERR_PASTREAM_IO', /was replaced/)
})

const unix = process.platform === 'win32' ? test.skip : test // Windows has no descriptor to open once more

unix('a descriptor is read or played, once', async (t) => {
  const path = await folder(t)
  const sent = noise('int16', 2 * 500)
  await save(path('in.wav'), 'int16', sent)
  const stream = await duplex(t)
  for (const first of ['read', 'played']) {
    await using handle = await open(path('in.wav'))
    await using file = await SoundFile.open({ path: { fd: handle.fd } })
    if (first === 'read') {
      same(t, await file.read(10), sent.subarray(0, 20))
      await fails(t, () => stream.playrec(file), UNSUPPORTED, /is read or played once: give the path/)
      await file.seek(490)
      same(t, await file.read(), sent.subarray(980))
    } else {
      same(t, await stream.playrec(file), sent)
      await fails(t, () => file.read(), UNSUPPORTED, /is read or played once/)
      await fails(t, () => stream.playrec(file), UNSUPPORTED, /is read or played once/)
    }
  }
})

test('decode: the whole file, and what there is of one that is cut or lies', async (t) => {
  const path = await folder(t)
  const sent = ramp(100_001, 3)
  const whole = wav(sent, 3, 11_025)
  await writeFile(path('in.wav'), whole)
  const floats = await decode(path('in.wav'))
  t.like(floats, { sampleRate: 11_025, channels: 3, format: 'float32' })
  const expected = Float32Array.from(sent, (sample) => sample / 2 ** 15)
  same(t, floats.data, expected)
  t.true(floats.data instanceof Float32Array)
  const { data } = await decode(path('in.wav'), { format: 'int16' })
  same(t, data, sent)
  await writeFile(path('cut.wav'), whole.subarray(0, 44 + 6 * 1000 + 5))
  same(t, (await decode(path('cut.wav'), { format: 'int16' })).data, sent.subarray(0, 3000))
  whole.writeUInt32LE(0xffff_fff0, 40)
  await writeFile(path('lie.wav'), whole)
  for (const lying of [path('lie.wav'), { path: path('lie.wav'), type: 'wav' }] as const) {
    const { data: there } = await decode(lying)
    same(t, there, expected)
    t.is(there.buffer.byteLength, there.byteLength)
  }
  await writeFile(path('empty.wav'), wav(new Int16Array(), 1))
  t.is((await decode(path('empty.wav'))).data.length, 0)
  const raw = { path: path('in.wav'), type: 'raw', encoding: 'pcm_u8', channels: 1, sampleRate: 8000 } as const
  same(t, (await decode(raw, { format: 'uint8' })).data, await readFile(path('in.wav')))
  await fails(t, () => decode(path('none.wav')), 'ERR_PASTREAM_IO', /none\.wav/)
  await fails(t, () => decode(path('in.wav'), { fromat: 'int16' } as object), ARGUMENT, /no option `fromat`/)
  // Nothing of them is left open.
  const again = await SoundFile.open(path('in.wav'), { mode: 'w', sampleRate: 8000, channels: 1 })
  await again.close()
})

function makePipe(path: string): string {
  execFileSync('mkfifo', [path])
  return path
}

unix('a pipe: read to its end, of unknown or of a lying length, and never sought', async (t) => {
  const path = await folder(t)
  const sent = ramp(100_001)
  const swapped = Buffer.from(new Uint8Array(sent.buffer.slice(0))).swap16()
  const header = Buffer.alloc(24)
  header.write('.snd')
  for (const [index, value] of [24, 0xffff_ffff, 3, 8000, 2].entries()) header.writeUInt32BE(value, 4 + 4 * index)
  const feed = async (to: string, length: number): Promise<void> => {
    const pipe = await open(to, 'w')
    header.writeUInt32BE(length, 8)
    await pipe.writeFile(Buffer.concat([header, swapped]))
    await pipe.close()
  }
  for (const [name, length] of [
    ['unknown', 0xffff_ffff],
    ['lying', 0xffff_fff0],
  ] as const) {
    const pipe = makePipe(path(name))
    const [{ data }] = await Promise.all([decode(pipe, { format: 'int16' }), feed(pipe, length)])
    same(t, data, sent)
  }
  const fed = feed(makePipe(path('blocks')), 0xffff_ffff)
  await using file = await SoundFile.open(path('blocks'), { format: 'int16' })
  t.is(file.info.frames, undefined)
  same(t, await file.read(3), sent.subarray(0, 6))
  await fails(t, () => file.seek(0), UNSUPPORTED, /is a pipe: it can be read only once/)
  const stream = await duplex(t, { sampleRate: 8000 })
  await fails(t, () => stream.playrec(file), UNSUPPORTED, /a pipe, .* is read or played once/)
  t.is(file.position, 3)
  const sizes: number[] = []
  for await (const block of file.blocks({ size: 50_000 })) {
    same(t, block, sent.subarray(6 + 100_000 * sizes.length, 6 + 100_000 * (sizes.length + 1)))
    sizes.push(block.length / 2)
  }
  t.deepEqual(sizes, [50_000, 49_998])
  await fed
})

test('an aborted signal: before, between and after', async (t) => {
  const path = await folder(t)
  const sent = ramp(1000)
  await writeFile(path('in.wav'), wav(sent))
  const reason = new Error('enough')
  const aborted = async (work: () => unknown): Promise<void> => {
    t.is(await t.throwsAsync(async () => void (await work())), reason)
  }
  const signal = AbortSignal.abort(reason)
  await aborted(() => SoundFile.open(path('in.wav'), { signal }))
  await aborted(() => SoundFile.open(path('none.wav'), { mode: 'w', sampleRate: 8000, channels: 2, signal }))
  await aborted(() => decode(path('in.wav'), { signal }))
  await t.throwsAsync(access(path('none.wav')))

  const control = new AbortController()
  const file = await SoundFile.open(path('in.wav'), { format: 'int16', signal: control.signal })
  let blocks = 0
  await aborted(async () => {
    for await (const block of file.blocks({ size: 100 })) {
      same(t, block, sent.subarray(200 * blocks, 200 * (blocks + 1)))
      if (++blocks === 3) control.abort(reason)
    }
  })
  t.is(blocks, 3)
  await aborted(() => file.read())
  await aborted(() => file.seek(0))
  await file.close()

  const ended = new AbortController()
  const reading = await SoundFile.open(path('in.wav'), { signal: ended.signal })
  const first = reading.read()
  ended.abort(reason)
  await aborted(() => first)
  await reading.close()

  const stopped = new AbortController()
  const options = { mode: 'w', sampleRate: 8000, channels: 2, format: 'int16', signal: stopped.signal } as const
  const out = await SoundFile.open(path('out.wav'), options)
  await out.write(sent)
  stopped.abort(reason)
  await aborted(() => out.write(sent))
  await out.close()
  holds(t, path('out.wav'), sent)

  const early = new AbortController()
  const none = await SoundFile.open(path('early.wav'), { ...options, signal: early.signal })
  const writing = none.write(sent)
  early.abort(reason)
  await aborted(() => writing)
  await none.close()
  holds(t, path('early.wav'), new Int16Array())
})

unix('an aborted signal: while a pipe gives nothing', async (t) => {
  const path = await folder(t)
  const reason = new Error('enough')
  const control = new AbortController()
  makePipe(path('pipe'))
  const opening = SoundFile.open(path('pipe'), { format: 'int16', signal: control.signal })
  await using end = await open(path('pipe'), 'w')
  await end.write(wav(ramp(10)).subarray(0, 44))
  const file = await opening
  const reading = file.read(10)
  const waiting = file.read(10)
  // By then the first one is on its thread.
  await new Promise((resolve) => setImmediate(resolve))
  control.abort(reason)
  t.is(await t.throwsAsync(reading), reason)
  t.is(await t.throwsAsync(waiting), reason)
  t.is(await t.throwsAsync(file.read(10)), reason)
  await file.close()
})

linux('a disk that is full: told by the write, and the file closes', async (t) => {
  const file = await SoundFile.open(
    { path: '/dev/full', type: 'wav' },
    { mode: 'w', sampleRate: 8000, channels: 2, format: 'int16' },
  )
  await fails(t, () => file.write(ramp(100)), 'ERR_PASTREAM_IO', /\/dev\/full.*[Nn]o space/)
  await fails(t, () => file.write(ramp(100)), STATE, /finished/)
  await file.close()
  t.is(file.info.frames, 0)
  const empty = await SoundFile.open(
    { path: '/dev/full', type: 'wav' },
    { mode: 'w', sampleRate: 8000, channels: 2, format: 'int16' },
  )
  await fails(t, () => empty.close(), 'ERR_PASTREAM_IO', /\/dev\/full/)
  await fails(t, () => empty.close(), 'ERR_PASTREAM_IO', /\/dev\/full/)
})

for (const [extension, format, ...encoding] of [
  ['wav', 'int16', '-b', '16'],
  ['wav', 'int24', '-b', '24'],
  ['wav', 'int32', '-b', '32'],
  ['wav', 'float32', '-e', 'float', '-b', '32'],
  ['wav', 'uint8', '-b', '8'],
  ['au', 'int16', '-b', '16'],
  ['au', 'int8', '-e', 'signed-integer', '-b', '8'],
] as const) {
  needing(['sox'], `sox: ${extension} of ${format} is read, and ours read by it, bit for bit`, async (t) => {
    const path = await folder(t)
    const cwd = path('')
    const synth = ['synth', '0.5', 'sine', '440', 'pinknoise']
    tool(cwd, 'sox', '-n', '-r', '44100', '-c', '2', ...encoding, `in.${extension}`, ...synth)
    const expected = asSox(cwd, `in.${extension}`)
    await using file = await SoundFile.open(path(`in.${extension}`))
    t.like(file.info, { frames: 22_050, format, channels: 2, sampleRate: 44_100 })
    const read = await file.read(Infinity)
    same(t, read, expected)
    const options = { mode: 'w', sampleRate: 44_100, channels: 2, format } as const
    const out = await SoundFile.open(path(`out.${extension}`), options)
    await out.write(read)
    await out.close()
    same(t, asSox(cwd, `out.${extension}`), expected)
  })
}
