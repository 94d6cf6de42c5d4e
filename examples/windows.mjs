// Windows for an FFT: 1024 frames of each channel, each half new.
import { chunks } from 'pastream-rs'

const device = process.argv[2] ?? 'virtual'
for await (const [left] of chunks({ device, size: 1024, overlap: 512, planar: true, frames: 48_000 }))
  console.log(left.length)
