// A tone from a worker thread, which a busy main thread can't disturb.
import { play, thread } from 'pastream-rs'

const tone = thread(new URL('./tone.mjs', import.meta.url), { args: [440] })
await play(tone, { device: process.argv[2] ?? 'virtual', channels: 1, frames: 48_000 })
