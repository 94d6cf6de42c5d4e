// A second of capture, piped into a stream of Node's: bytes of the stream's format.
import { InputStream } from 'pastream-rs'

const stream = await InputStream.open({ device: process.argv[2] ?? 'virtual', format: 'int16' })
stream.readable({ frames: stream.sampleRate }).pipe(process.stdout)
