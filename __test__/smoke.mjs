// What has to work on every runtime, Bun and Deno included: each way of moving frames once, to the bit.
import { deepStrictEqual, rejects } from 'node:assert'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { finished } from 'node:stream/promises'
import { decode, DuplexStream, generators, playrec, RingBuffer, thread } from '../dist/index.js'

const folder = mkdtempSync(join(tmpdir(), 'pastream-'))
const file = join(folder, 'take.wav')
const sent = Int16Array.from({ length: 5000 }, (_, index) => index)
const options = { device: 'virtual:clock=free', channels: 1, format: 'int16', sampleRate: 48_000 }
const stream = await DuplexStream.open(options)

deepStrictEqual(await stream.playrec(sent), sent)
const chunks = []
for await (const chunk of stream.chunks({ size: 480, playback: sent, pad: 0 })) chunks.push(...chunk)
deepStrictEqual(Int16Array.from(chunks), sent)
deepStrictEqual(await stream.playrec(() => [sent], { frames: 5000 }), sent)
const tone = thread(new URL('hooks/tone.js', import.meta.url), { args: [5000] })
deepStrictEqual(await stream.playrec(tone, { frames: 5000 }), sent)

await stream.setSource(sent)
const bytes = await buffer(stream.readable())
deepStrictEqual(new Int16Array(Uint8Array.from(bytes).buffer), sent)
const ring = new RingBuffer(2, 5000, 'int16')
await stream.setSink(ring)
const writable = stream.writable()
writable.end(Buffer.from(sent.buffer))
await finished(writable)
deepStrictEqual(ring.read(), sent)

await stream.toFile(file)
await stream.play(sent)
await stream.close()
deepStrictEqual((await decode(file, { format: 'int16' })).data, sent)
deepStrictEqual(await playrec(file, { device: options.device }), sent)
const sine = generators.take(generators.sine(440), { frames: 100 })
deepStrictEqual((await playrec(sine, { ...options, frames: 100 })).length, 100)
await rejects(DuplexStream.open({ device: 'none such' }), { code: 'ERR_PASTREAM_DEVICE_NOT_FOUND' })
rmSync(folder, { recursive: true })
console.log('smoke: all passed')
