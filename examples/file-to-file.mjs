// Plays a file to a device and records what comes back. No sound card: node examples/file-to-file.mjs in.wav out.wav
import { DuplexStream } from 'pastream-rs'

const [input, output, device = 'virtual'] = process.argv.slice(2)
if (!output) throw new Error('usage: node examples/file-to-file.mjs INPUT OUTPUT [DEVICE]')
const stream = await DuplexStream.fromFile(input, { device })
stream.on('gap', ({ side, frame, length, cause }) => console.log(`${side}: ${length} frames at ${frame}, ${cause}`))
await stream.toFile(output)
await stream.start()
await stream.wait()
console.log(`${stream.frameCount} frames`)
await stream.close()
