// Records a second and plays it back.
import { DuplexStream } from 'pastream-rs'

const stream = await DuplexStream.open({ device: process.argv[2] ?? 'virtual' })
const second = await stream.record({ frames: stream.sampleRate })
await stream.play(second)
await stream.close()
