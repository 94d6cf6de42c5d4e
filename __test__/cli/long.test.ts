import { statSync, writeFileSync } from 'node:fs'
import test from 'ava'
import { SoundFile } from 'pastream-rs'
import { folder, same } from '../support.ts'
import { FREE, needing, pastream, ramp, tool, wav } from './support.ts'

const RATE = 48_000
/** Five GiB of 16-bit stereo, and a frame. */
const FRAMES = (5 * 2 ** 30) / 4 + 1
/** Frames that are played over and over, each another; a prime, so that no border comes where another one was. */
const LOOP = 16_381

const title = 'a WAV file of five GiB is RF64, and has every frame in its place'
if (!process.env['LONG']) test.skip(`${title} (with LONG=1)`, (t) => t.pass()) // half a minute, and five GiB of disk
else {
  needing(['sox', 'soxi', 'ffmpeg', 'ffprobe'], title, async (t) => {
    t.timeout(600_000)
    const path = await folder(t)
    const cwd = path('')
    const sent = ramp(LOOP)
    writeFileSync(path('in.wav'), wav(sent, 2, RATE))
    const args = ['-q', '--meter=off', ...FREE, '--loop', '-d', `${FRAMES}s`, 'in.wav', 'out.wav']
    t.like(await pastream(t, cwd, args), { status: 0, stderr: '' })
    t.is(statSync(path('out.wav')).size, 80 + 4 * FRAMES)

    await using file = await SoundFile.open(path('out.wav'))
    t.like(file.info, { container: 'rf64', frames: FRAMES, missing: 0 })
    t.is(Number(tool(cwd, 'soxi', '-s', 'out.wav')), FRAMES)
    const shown = ['-v', 'error', '-show_entries', 'stream=duration_ts', '-of', 'csv=p=0', 'out.wav']
    t.is(Number(tool(cwd, 'ffprobe', ...shown)), FRAMES)

    // Two seconds around each border, from a whole one on, which ffmpeg finds to the frame.
    for (const border of [0, 2 ** 29, 2 ** 30, FRAMES - 1]) {
      const second = Math.max(0, Math.floor(border / RATE) - 1)
      const length = Math.min(2 * RATE, FRAMES - second * RATE)
      const from = second * RATE
      const expected = Int16Array.from({ length: 2 * length }, (_, at) => sent[(2 * from + at) % sent.length] ?? 0)
      await file.seek(from)
      same(t, await file.read(length), expected, `ours at ${from}`)
      const trim = ['out.wav', '-t', 'raw', '-L', '-', 'trim', `${from}s`, `${length}s`]
      same(t, tool(cwd, 'sox', ...trim), expected, `sox at ${from}`)
      const raw = ['-t', String(length / RATE), '-f', 's16le', '-c:a', 'pcm_s16le', '-']
      const read = tool(cwd, 'ffmpeg', '-v', 'error', '-ss', String(second), '-i', 'out.wav', ...raw)
      same(t, read, expected, `ffmpeg at ${from}`)
    }
  })
}
