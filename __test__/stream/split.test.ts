import { existsSync, readdirSync } from 'node:fs'
import test from 'ava'
import { decode, repair, SoundFile, type WrittenFile } from 'pastream-rs'
import { concat, duplex, fails, folder, noise, same } from '../support.ts'

/** What is told of take.wav, split after every 300 frames of the stream into files of so many. */
function takes(path: (name: string) => string, frames: readonly number[]): WrittenFile[] {
  const file = (count: number, index: number): WrittenFile => ({
    path: path(`take-000${index + 1}.wav`),
    frame: 300 * index,
    frames: count,
    complete: true,
  })
  return frames.map(file)
}

test('a recording in several files is the recording, with no frame lost between them', async (t) => {
  const path = await folder(t)
  const stream = await duplex(t)
  const sent = noise('int16', 2 * 1000)
  await stream.setSource(sent)
  await stream.setSink([{ path: path('take.wav'), split: 300, sync: true }, path('whole.wav')])
  const told: WrittenFile[] = []
  stream.on('file', (file) => told.push(file))
  await stream.start()
  await stream.wait()
  const files = takes(path, [300, 300, 300, 100])
  t.deepEqual(stream.files, [...files, { path: path('whole.wav'), frame: 0, frames: 1000, complete: true }])
  t.deepEqual(
    told.filter(({ path: name }) => name.includes('take-')),
    files,
  )
  t.is(told.length, 5)
  const [first, ...rest] = await Promise.all(files.map(({ path: name }) => decode(name, { format: 'int16' })))
  same(t, concat(first?.data ?? sent, ...rest.map(({ data }) => data)), sent)
})

test('a time reference goes on from file to file', async (t) => {
  const path = await folder(t)
  const stream = await duplex(t)
  const sent = noise('int16', 2 * 1000) as Int16Array
  const tags = { title: 'x', timeReference: 48_000 }
  await stream.setSink({ path: path('a.wav'), split: 400, tags })
  await stream.play(sent)
  const told = async (name: string) => {
    await using file = await SoundFile.open(path(name))
    return file.info.tags
  }
  t.deepEqual(await Promise.all(['a-0001.wav', 'a-0002.wav', 'a-0003.wav'].map(told)), [
    tags,
    { ...tags, timeReference: 48_400 },
    { ...tags, timeReference: 48_800 },
  ])
})

test('a resampled recording in several files is the resampled recording', async (t) => {
  const path = await folder(t)
  const stream = await duplex(t)
  await stream.setSource(noise('int16', 2 * 1000))
  const file = { sampleRate: 44_100, channels: 1, gain: -3, quality: 'good' } as const
  await stream.setSink([
    { path: path('whole.wav'), ...file },
    { path: path('take.wav'), split: 300, ...file },
  ])
  await stream.start()
  await stream.wait()
  // Ceilings of 300, 600, 900 and 1000 × 44,100 / 48,000: 276, 552, 827, 919.
  const files = takes(path, [276, 276, 275, 92])
  t.deepEqual(stream.files, [{ path: path('whole.wav'), frame: 0, frames: 919, complete: true }, ...files])
  const [whole, first, ...rest] = await Promise.all(
    stream.files.map(({ path: name }) => decode(name, { format: 'int16' })),
  )
  same(t, concat(first!.data, ...rest.map(({ data }) => data)), whole!.data)
  const short = { path: path('short.wav'), sampleRate: 8000, split: 5 }
  await fails(t, () => stream.setSink(short), 'ERR_PASTREAM_INVALID_ARGUMENT', /after 5 frames: give 6 or more/)
})

test('a new file where it is asked for, and a beginning from before that', async (t) => {
  const path = await folder(t)
  const stream = await duplex(t, { device: 'virtual' })
  await fails(t, () => stream.split(), 'ERR_PASTREAM_STREAM_STATE', /no run is under way/)
  await stream.setSource(noise('int16', 2000), { loop: true })
  await stream.toFile(path('%Y-%j.wav'), { split: Infinity, preroll: 4800 })
  await stream.start()
  while (stream.frameCount < 6000) await stream.wait({ timeout: 0.01 })
  t.deepEqual(readdirSync(path('')), [])
  stream.trigger()
  while (stream.frameCount < 9000) await stream.wait({ timeout: 0.01 })
  const told = new Promise<WrittenFile>((resolve) => stream.once('file', resolve))
  stream.split()
  const first = await told
  // From before the trigger, and to the split.
  t.true(first.frame >= 6000 - 4800 && first.frames > 4800 && first.frame + first.frames >= 9000)
  while (stream.frameCount < first.frame + first.frames + 2000) await stream.wait({ timeout: 0.01 })
  await stream.stop()
  const year = String(new Date().getFullYear())
  const [one, two] = stream.files
  t.deepEqual(one, first)
  t.is(stream.files.length, 2)
  t.is(two?.frame, first.frame + first.frames)
  t.is((two?.frame ?? 0) + (two?.frames ?? 0), stream.frameCount)
  t.regex(one?.path ?? '', new RegExp(`/${year}-\\d{3}\\.wav$`))
  t.regex(two?.path ?? '', new RegExp(`/${year}-\\d{3}-2\\.wav$`))
})

test('without a trigger there is no file', async (t) => {
  const path = await folder(t)
  const stream = await duplex(t)
  await stream.toFile(path('take.wav'), { preroll: 100 })
  await stream.start({ frames: 1000 })
  await stream.wait()
  t.false(existsSync(path('take.wav')))
  t.deepEqual(stream.files, [])
})

test('what can not be split, or wait', async (t) => {
  const path = await folder(t)
  const stream = await duplex(t)
  const file = path('take.wav')
  await fails(t, () => stream.toFile(file, { split: 0 }), 'ERR_PASTREAM_INVALID_ARGUMENT', /split is 0/)
  await fails(t, () => stream.toFile(file, { preroll: -1 }), 'ERR_PASTREAM_INVALID_ARGUMENT', /preroll is -1/)
  await fails(t, () => stream.toFile(path('%D.wav'), { split: 1 }), 'ERR_PASTREAM_INVALID_ARGUMENT', /strftime/)
  await fails(
    t,
    () => stream.setSink({ path: { fd: 1 }, split: 1 }),
    'ERR_PASTREAM_INVALID_ARGUMENT',
    /files that are split a path/,
  )
  const bad = { path: file, split: 1 }
  await fails(t, () => SoundFile.open(bad), 'ERR_PASTREAM_INVALID_ARGUMENT', /no option `split`/)
  await stream.toFile(file)
  await stream.setSource(noise('int16', 2), { loop: true })
  await stream.start()
  await fails(t, () => stream.split(), 'ERR_PASTREAM_INVALID_ARGUMENT', /set one with `split`/)
  await fails(t, () => stream.trigger(), 'ERR_PASTREAM_INVALID_ARGUMENT', /set one with `preroll`/)
  await stream.stop()
})

test('a file that is good is not changed, and one that is none is refused', async (t) => {
  const path = await folder(t)
  const stream = await duplex(t)
  await stream.toFile(path('take.wav'))
  await stream.playrec(noise('int16', 20))
  const output = await SoundFile.open(
    { path: path('good.caf'), sync: true },
    { mode: 'w', sampleRate: 8000, channels: 1 },
  )
  await output.write(new Float32Array(10))
  await fails(t, () => repair(path('good.caf')), 'ERR_PASTREAM_IO', /is open to be played or recorded/)
  await output.close()
  t.deepEqual(await repair(path('good.caf')), { container: 'caf', changed: false, frames: 10, leftover: 0 })
  await fails(t, () => repair(path('none.wav')), 'ERR_PASTREAM_IO', /none\.wav/)
})
