// A file, played for two seconds at most.
import { play } from 'pastream-rs'

const [file, device = 'virtual'] = process.argv.slice(2)
await play(file, { device, signal: AbortSignal.timeout(2000) })
