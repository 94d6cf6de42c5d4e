// Plays 10 s of a file, with silence where it is shorter, and records what comes back to memory.
import { playrec } from 'pastream-rs'

const [file, device = 'virtual'] = process.argv.slice(2)
const recorded = await playrec(file, { device, frames: 10 * 48_000, pad: -1 })
console.log(`${recorded.length} samples`)
