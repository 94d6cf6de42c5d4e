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
  const all = ['--expose-gc', '--input-type=module', '--eval', source, '--', ...args]
  const { stdout, stderr } = await exec(process.execPath, all, { cwd: root, timeout: 120_000 })
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
  t.deepEqual(stream.gaps, { count: 0, frames: 0, starved: 0, starvations: 0 })
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
    let state = 1
    for (let round = 0; round < 200; round++) {
      const worker = new Worker(source, { eval: true, execArgv: [] })
      worker.once('error', (error) => { throw error })
      // A few at any moment of their start, most while their stream runs.
      if (round % 10 !== 0) await new Promise((resolve) => worker.once('message', resolve))
      state = (state * 48271) % 2147483647
      for (let ticks = state % 40; ticks > 0; ticks--) await new Promise((resolve) => setImmediate(resolve))
      await worker.terminate()
    }
    const stream = await DuplexStream.open({ device: 'virtual:clock=free', channels: 1, format: 'int16' })
    const take = await stream.playrec(Int16Array.of(1, 2, 3))
    console.log(take.join())
    await stream.close()
  `)
  t.is(output, '1,2,3\n')
})

test('aborted, closed or left at any moment, nothing crashes, hangs or stays behind', async (t) => {
  const output = await program(`
    import { readFileSync } from 'node:fs'
    import { DuplexStream, thread } from 'pastream-rs'
    const threads = () => Number(/Threads:\\s*(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0)
    const tick = () => new Promise((resolve) => setImmediate(resolve))
    const sent = new Int16Array(9600)
    const tone = thread(new URL('__test__/hooks/tone.js', 'file://' + process.cwd() + '/'), { args: [1e9] })
    const chunk = async (stream, options) => { for await (const _ of stream.chunks({ size: 64, ...options })); }
    const drain = async (readable) => { for await (const _ of readable); }
    const operations = {
      play: (stream, signal) => stream.play(sent, { loop: true, signal }),
      playrec: (stream, signal) => stream.playrec(sent, { loop: true, frames: 1e6, signal }),
      record: (stream, signal) => stream.record({ frames: 1e6, signal }),
      chunks: (stream, signal) => chunk(stream, { playback: sent, loop: true, signal }),
      readable: (stream) => drain(stream.readable()),
      generator: (stream, signal) => stream.play(() => [sent], { loop: true, signal }),
      thread: (stream, signal) => stream.play(tone, { signal }),
    }
    const ends = [
      (stream) => stream.close(),
      (stream) => stream.abort(),
      (stream) => stream.stop(),
      (_, controller) => controller.abort(),
    ]
    let state = 1
    const random = (below) => ((state = (state * 48271) % 2147483647) >>> 3) % below
    const round = async (operation, rounds) => {
      for (let left = rounds; left > 0; left--) {
        const stream = await DuplexStream.open({ device: 'virtual:block=32', channels: 1, format: 'int16' })
        const controller = new AbortController()
        const over = operation(stream, controller.signal).catch(() => {})
        for (let ticks = random(60); ticks > 0; ticks--) await tick()
        await ends[random(ends.length)](stream, controller)
        await stream.close()
        await over
      }
    }
    for (const operation of Object.values(operations)) await round(operation, 3)
    for (let settled = 0; settled < 20; settled++) await tick()
    const before = threads()
    for (const operation of Object.values(operations)) await round(operation, 200)
    for (let settled = 0; settled < 20; settled++) await tick()
    const handles = process.getActiveResourcesInfo().filter((name) => !/TTY|Pipe|FSReq|Immediate/.test(name))
    console.log(JSON.stringify({ more: Math.max(0, threads() - before - 1), handles }))
  `)
  t.deepEqual(JSON.parse(output), { more: 0, handles: [] })
})

test('a thousand rounds leave no memory behind', async (t) => {
  const output = await program(`
    import { DuplexStream, RingBuffer } from 'pastream-rs'
    const sent = new Int16Array(4800)
    const round = async () => {
      const stream = await DuplexStream.open({ device: 'virtual:clock=free', channels: 1, format: 'int16' })
      await stream.playrec(sent)
      for await (const _ of stream.chunks({ size: 480, playback: () => [sent], pad: 0 }));
      await stream.setSink((_, ring) => void ring.readAvailable)
      const ring = new RingBuffer(2, 65536)
      ring.end()
      await stream.play(ring)
      await stream.close()
    }
    const measure = async () => {
      for (let turn = 0; turn < 5; turn++) {
        globalThis.gc()
        await new Promise((resolve) => setImmediate(resolve))
      }
      const { rss, heapUsed, arrayBuffers } = process.memoryUsage()
      return [rss, heapUsed, arrayBuffers]
    }
    const rounds = async (hundreds) => {
      let last
      for (let hundred = 0; hundred < hundreds; hundred++) {
        for (let index = 0; index < 100; index++) await round()
        last = await measure()
      }
      return last
    }
    const before = await rounds(5)
    const after = await rounds(10)
    console.log(JSON.stringify(after.map((bytes, index) => (bytes - before[index]) / 2 ** 20)))
  `)
  const [rss = 99, heap = 99, buffers = 99] = JSON.parse(output) as number[]
  t.log(output)
  // Four rings a round would be 500 MiB. What is resident moves a little, as the allocator likes.
  t.true(rss < 64 && heap < 4 && buffers < 4, output)
})

test('a slow consumer and a slow producer keep a minute of audio in little memory, and lose nothing', async (t) => {
  const output = await program(`
    import { DuplexStream } from 'pastream-rs'
    const frames = 60 * 48000
    let most = 0
    const look = () => (most = Math.max(most, process.memoryUsage().rss))
    const tick = () => new Promise((resolve) => setImmediate(resolve))
    const stream = await DuplexStream.open({ device: 'virtual:clock=free', sampleRate: 48000, channels: 1, format: 'int16' })
    await stream.setSource(Int16Array.from({ length: frames }, (_, index) => index))
    globalThis.gc()
    const before = process.memoryUsage().rss
    let [at, right] = [0, 0]
    for await (const chunk of stream.readable()) {
      for (let offset = 0; offset < chunk.length; offset += 2) if (chunk.readInt16LE(offset) === (at++ << 16) >> 16) right++
      await tick()
      look()
    }
    const read = [right, stream.gaps.frames]
    let [wrote, seen] = [0, 0]
    await stream.setSink(async (_, ring) => {
      while ((await ring.readable(100)) > 0) for (const sample of ring.read()) if (sample === (seen << 16) >> 16) seen++
    })
    const writable = stream.writable()
    while (wrote < frames) {
      const part = Int16Array.from({ length: 4800 }, (_, index) => wrote + index)
      wrote += part.length
      if (!writable.write(Buffer.from(part.buffer))) await new Promise((resolve) => writable.once('drain', resolve))
      await tick()
      look()
    }
    await new Promise((resolve) => writable.end(resolve))
    await stream.close()
    console.log(JSON.stringify({ read, seen, mebibytes: (most - before) / 2 ** 20 }))
  `)
  const { read, seen, mebibytes } = JSON.parse(output) as { read: number[]; seen: number; mebibytes: number }
  t.deepEqual([...read, seen], [60 * RATE, 0, 60 * RATE])
  t.log(`${mebibytes} MiB`)
  t.true(mebibytes < 64)
})
