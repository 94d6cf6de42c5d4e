// Tries every interleaving of the ring and of the state machine.
import { run } from './setup.mjs'

const env = { RUSTFLAGS: '--cfg loom', CARGO_TARGET_DIR: 'target/loom' }
run('cargo', ['test', '--release', '--locked', '-p', 'pastream-rt', '--test', 'loom'], env)
