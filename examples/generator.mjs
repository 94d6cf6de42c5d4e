// A tone from a generator.
import { generators, play } from 'pastream-rs'

await play(generators.sine({ frequency: 440, seconds: 1 }), { device: process.argv[2] ?? 'virtual' })
