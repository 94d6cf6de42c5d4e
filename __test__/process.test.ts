import { execFile } from 'node:child_process'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import { DuplexStream, SoundFile } from 'pastream-rs'
import { duplex, folder, noise, RATE, same } from './support.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const exec = promisify(execFile)

/** Runs a program of its own process; fails unless it exits with status 0. */
async function program(source: string, ...args: string[]): Promise<string> {
  const all = ['--input-type=module', '--eval', source, '--', ...args]
  const { stdout, stderr } = await exec(process.execPath, all, { cwd: root, timeout: 60_000 })
  return stdout + stderr
}

test('an event loop that is blocked for two seconds costs not one frame', async (t) => {
  const path = await folder(t)
  const sent = noise('int16', 2 * 3 * RATE)
  const free = await duplex(t)
  await free.setSource(sent)
  await free.toFile(path('in.wav'))
  await free.start()
  await free.wait()
  await free.setSink(null)

  const stream = await DuplexStream.fromFile(path('in.wav'), { device: 'virtual' })
  t.teardown(() => stream.close())
  await stream.toFile(path('out.wav'))
  await stream.start()
  const before = stream.frameCount
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000)
  t.true(stream.frameCount - before > RATE)
  await stream.wait()
  t.deepEqual(stream.gaps, { count: 0, frames: 0, starved: 0 })
  t.is(stream.xruns, 0)
  t.is(stream.frameCount, 3 * RATE)
  same(t, await free.playrec(path('out.wav')), sent)
})

test('a process that closed its streams exits by itself', async (t) => {
  const output = await program(`
    import { DuplexStream } from 'pastream-rs'
    const stream = await DuplexStream.open({ device: 'virtual:clock=free' })
    await stream.playrec(new Float32Array(2000))
    for await (const chunk of stream.chunks({ size: 10 })) break
    await stream.close()
    console.log('closed')
  `)
  t.is(output, 'closed\n')
})

test('a stream that is open and not running holds no process', async (t) => {
  const output = await program(`
    import { OutputStream } from 'pastream-rs'
    const stream = await OutputStream.open({ device: 'virtual' })
    await stream.start()
    await stream.stop()
    console.log('idle')
  `)
  t.is(output, 'idle\n')
})

test('a run holds the process until its end is told', async (t) => {
  const output = await program(`
    import { OutputStream } from 'pastream-rs'
    const stream = await OutputStream.open({ device: 'virtual', sampleRate: 48000 })
    stream.on('finished', (outcome) => console.log(outcome, stream.frameCount))
    await stream.start({ frames: 4800 })
  `)
  t.is(output, 'finished 4800\n')
})

test('a process that waits for a stream stays until it is over', async (t) => {
  const output = await program(`
    import { InputStream } from 'pastream-rs'
    const stream = await InputStream.open({ device: 'virtual', sampleRate: 48000 })
    let frames = 0
    for await (const chunk of stream.chunks({ size: 4800, frames: 9600 })) frames += chunk.length / 2
    console.log(frames)
    await stream.close()
  `)
  t.is(output, '9600\n')
})

for (const end of ['process.exit(0)', 'throw new Error("mine")']) {
  test(`a process that forgot to close its stream ends cleanly with ${end}, its file complete`, async (t) => {
    const path = await folder(t)
    const source = `
      import { DuplexStream, RingBuffer } from 'pastream-rs'
      const stream = await DuplexStream.open({ device: 'virtual', sampleRate: 48000, channels: 1, format: 'int16' })
      await stream.setSource(new Int16Array(1000), { loop: true })
      await stream.toFile(process.argv[1])
      stream.on('gap', () => {})
      await stream.start()
      while (stream.frameCount < 9600) await stream.wait({ timeout: 0.01 })
      console.log('leaving')
      ${end}
    `
    const run = program(source, path('take.wav'))
    if (end.startsWith('throw')) await t.throwsAsync(run, { message: /Error: mine/ })
    else t.is(await run, 'leaving\n')
    await using file = await SoundFile.open(path('take.wav'))
    t.true((file.info.frames ?? 0) >= 9600)
  })
}

test('a worker that is terminated while its stream runs takes nothing down', async (t) => {
  const output = await program(`
    import { Worker } from 'node:worker_threads'
    import { DuplexStream } from 'pastream-rs'
    const source = \`
      const { parentPort } = require('node:worker_threads')
      const { DuplexStream } = require('pastream-rs')
      async function main() {
        const stream = await DuplexStream.open({ device: 'virtual:block=32', format: 'int16' })
        stream.on('gap', () => {})
        const chunks = stream.chunks({ size: 64, playback: new Int16Array(64), loop: true })
        await chunks.next()
        const waiting = stream.wait()
        parentPort.postMessage('running')
        for await (const chunk of chunks) if (chunk.length === 0) break
        await waiting
      }
      main()
    \`
    for (let round = 0; round < 10; round++) {
      const worker = new Worker(source, { eval: true, execArgv: [] })
      await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
      await worker.terminate()
    }
    const stream = await DuplexStream.open({ device: 'virtual:clock=free', channels: 1, format: 'int16' })
    const take = await stream.playrec(Int16Array.of(1, 2, 3))
    console.log(take.join())
    await stream.close()
  `)
  t.is(output, '1,2,3\n')
})
