// The main job on the virtual device: makes a file, plays it while recording what comes back, and compares the two.
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { run, setup } from './setup.mjs'

const SECONDS = 3
const SAMPLE_RATE = 48_000
const PLAYED = '.start/played.wav'
const RECORDED = '.start/recorded.wav'

setup()
const { DuplexStream } = await import('pastream-rs')
mkdirSync('.start', { recursive: true })
rmSync(RECORDED, { force: true })

// A rising tone on the left, a falling one on the right.
const sweep = new Int16Array(2 * SECONDS * SAMPLE_RATE)
for (let frame = 0; frame < sweep.length / 2; frame++) {
  const seconds = frame / SAMPLE_RATE
  sweep[2 * frame] = 16_000 * Math.sin(2 * Math.PI * (220 + 110 * seconds) * seconds)
  sweep[2 * frame + 1] = 16_000 * Math.sin(2 * Math.PI * (880 - 110 * seconds) * seconds)
}
const stream = await DuplexStream.open({
  device: 'virtual:clock=free',
  sampleRate: SAMPLE_RATE,
  channels: 2,
  format: 'int16',
})
await stream.setSource(sweep)
await stream.toFile(PLAYED)
await stream.start()
await stream.wait()
await stream.close()

process.stdout.write(`\n$ pastream-rs -D virtual ${PLAYED} ${RECORDED}\n`)
run(process.execPath, ['dist/cli.js', '-D', 'virtual', PLAYED, RECORDED])
if (!readFileSync(PLAYED).equals(readFileSync(RECORDED))) {
  process.stderr.write(`${RECORDED} differs from ${PLAYED}\n`)
  process.exit(1)
}
process.stdout.write(`The recording is identical: ${SECONDS * SAMPLE_RATE} frames, bit for bit.\n`)
