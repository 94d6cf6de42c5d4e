// Tries every interleaving of the ring and of the state machine.
import { run } from './setup.mjs'

const env = { RUSTFLAGS: '--cfg loom', CARGO_TARGET_DIR: 'target/loom' }
for (const [crate, test] of [
  ['pastream-rt', 'loom'],
  ['pastream', 'loom_ring'],
]) {
  run('cargo', ['test', '--release', '--locked', '--quiet', '-p', crate, '--test', test], env)
}
