import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import { SoundFile } from 'pastream-rs'
import { bytes, duplex, folder, noise, RATE, same } from './support.ts'

const exec = promisify(execFile)
const FREE = 'virtual:clock=free'

function example(name: string): string {
  return fileURLToPath(new URL(`../examples/${name}.mjs`, import.meta.url))
}

/** What an example writes to stdout; fails unless it exits with status 0 and says nothing else. */
async function run(t: ExecutionContext, name: string, ...args: string[]): Promise<Buffer> {
  const { stdout, stderr } = await exec(process.execPath, [example(name), ...args], {
    encoding: 'buffer',
    maxBuffer: 1e8,
  })
  t.is(stderr.toString(), '')
  return stdout
}

/** A file of so many frames. */
async function file(t: ExecutionContext, path: string, frames: number): Promise<Int16Array> {
  const sent = noise('int16', 2 * frames) as Int16Array
  const stream = await duplex(t)
  await stream.toFile(path)
  await stream.play(sent)
  return sent
}

test('file-to-file', async (t) => {
  const path = await folder(t)
  await file(t, path('in.wav'), 4800)
  t.is((await run(t, 'file-to-file', path('in.wav'), path('out.wav'))).toString(), '4800 frames\n')
  same(t, await readFile(path('out.wav')), await readFile(path('in.wav')))
})

test('record-and-play', async (t) => {
  t.is((await run(t, 'record-and-play', FREE)).length, 0)
})

test('play-and-record', async (t) => {
  const path = await folder(t)
  await file(t, path('in.wav'), 1000)
  t.is((await run(t, 'play-and-record', path('in.wav'), FREE)).toString(), '960000 samples\n')
})

test('windows', async (t) => {
  const lines = (await run(t, 'windows', FREE)).toString().trim().split('\n')
  t.is(lines.length, Math.ceil(RATE / 512))
  t.deepEqual(new Set(lines.slice(0, -1)), new Set(['1024']))
})

test('generator', async (t) => {
  t.is((await run(t, 'generator', FREE)).length, 0)
})

test('worker, and its tone', async (t) => {
  t.is((await run(t, 'worker', FREE)).length, 0)
  const { thread } = await import('pastream-rs')
  const stream = await duplex(t, { channels: 1, format: 'float32' })
  const tone = thread(new URL('../examples/tone.mjs', import.meta.url), { args: [480] })
  const got = await stream.playrec(tone, { frames: RATE })
  const step = (2 * Math.PI * 480) / RATE
  same(
    t,
    got,
    Float32Array.from({ length: RATE }, (_, frame) => 0.5 * Math.sin(step * frame)),
  )
  t.true((await readFile(example('tone'), 'utf8')).trim().split('\n').length <= 15)
})

test('pipe', async (t) => {
  t.is((await run(t, 'pipe', FREE)).length, RATE * 2 * 2)
})

test('cancel', async (t) => {
  const path = await folder(t)
  await file(t, path('in.wav'), 4800)
  t.is((await run(t, 'cancel', path('in.wav'))).length, 0)
  const long = await file(t, path('long.wav'), 10 * RATE)
  const cut = await t.throwsAsync(exec(process.execPath, [example('cancel'), path('long.wav')]))
  t.regex(String(cut.message), /TimeoutError/)
  await using whole = await SoundFile.open(path('long.wav'))
  t.is(whole.info.frames, bytes(long).length / 4)
})
