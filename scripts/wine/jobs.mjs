// What `npm run test:wine` has the Windows build do: a job by its name, answered with a line of JSON.
import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { devices, DuplexStream, generators, hosts, InputStream, OutputStream } from './dist/index.js'

const COMMON = { sampleRate: 48_000, channels: 2, format: 'int16' }

/** The samples of a file of int16, as those of `format`. */
function samples(file, format) {
  const { buffer } = Uint8Array.from(readFileSync(file))
  const int16 = new Int16Array(buffer)
  return format === 'float32' ? Float32Array.from(int16, (sample) => sample / 32_768) : int16
}

function save(file, samples) {
  writeFileSync(file, new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength))
}

function counts({ frameCount, time, xruns, gaps, latency }) {
  return { frameCount, time, xruns, gaps, latency }
}

/** The code of the error that something rejects with. */
function code(promise) {
  return promise.then(
    () => null,
    (error) => error.code,
  )
}

const jobs = {
  list: () => ({ platform: process.platform, node: process.version, hosts: hosts(), devices: devices() }),

  async play({ file, ...options }) {
    const stream = await OutputStream.open({ ...COMMON, ...options })
    await stream.play(samples(file, stream.format))
    const told = counts(stream)
    await stream.close()
    return told
  },

  async record({ file, frames, ...options }) {
    const stream = await InputStream.open({ ...COMMON, ...options })
    save(file, await stream.record({ frames }))
    const told = counts(stream)
    await stream.close()
    return told
  },

  async playrec({ file, take, ...options }) {
    const stream = await DuplexStream.open({ ...COMMON, ...options }).catch((error) => error)
    if (stream instanceof Error) return { refused: stream.message }
    save(take, await stream.playrec(samples(file, 'int16'), { pad: 24_000 }))
    const told = { ...counts(stream), alignment: stream.alignment }
    await stream.close()
    return told
  },

  /** Every format at rates that the system converts from, in blocks of the stream's own. */
  async formats({ device }) {
    const opened = []
    for (const sampleRate of [8_000, 44_100, 96_000]) {
      for (const format of ['float32', 'int32', 'int24', 'int16', 'int8', 'uint8']) {
        const options = { device, sampleRate, format, channels: 1, blockSize: 256, latency: 'low' }
        const stream = await OutputStream.open(options)
        await stream.setSource(generators.sine(440))
        await stream.start()
        await setTimeout(100)
        await stream.stop()
        opened.push({ sampleRate, format, blockSize: stream.blockSize, frameCount: stream.frameCount })
        await stream.close()
      }
    }
    return opened
  },

  /** Starts one stream over and over. */
  async runs({ device, abort, times }) {
    const stream = await OutputStream.open({ ...COMMON, device })
    for (let run = 0; run < times; run++) {
      await stream.setSource(generators.sine(440))
      await stream.start()
      await (abort ? stream.abort() : stream.stop())
    }
    await stream.close()
    return { times }
  },

  async refusals({ output }) {
    const device = output
    return {
      rate: await code(OutputStream.open({ ...COMMON, device, sampleRate: 50_000 })),
      channels: await code(OutputStream.open({ ...COMMON, device, channels: 3 })),
      block: await code(OutputStream.open({ ...COMMON, device, blockSize: 1_000_000 })),
      direction: await code(InputStream.open({ ...COMMON, device })),
      device: await code(OutputStream.open({ ...COMMON, device: 'wasapi:nothing' })),
    }
  },

  /** Plays until the device is gone. */
  async lost({ device }) {
    const stream = await OutputStream.open({ ...COMMON, device })
    let events = 0
    stream.on('deviceLost', () => events++)
    stream.on('error', () => {})
    await stream.setSource(generators.sine(440))
    await stream.start()
    const error = await code(stream.wait({ timeout: 30 }))
    const told = { ...counts(stream), error, events }
    await stream.close()
    return told
  },
}

const [name, options = '{}'] = process.argv.slice(2)
try {
  process.stdout.write(`${JSON.stringify(await jobs[name](JSON.parse(options)))}\n`)
} catch (error) {
  process.stderr.write(`${error.stack}\n`)
  process.exitCode = 1
}
