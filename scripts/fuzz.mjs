// Runs every fuzz target for some seconds. Says so where what it needs is not there.
import { mkdirSync, readdirSync } from 'node:fs'
import { has, root, run } from './setup.mjs'

const seconds = Number(process.argv[2] ?? 2)
process.chdir(root)
if (!has('cargo', '+nightly', 'fuzz')) {
  process.stdout.write('• nothing is fuzzed: that wants a nightly toolchain and `cargo install cargo-fuzz --locked`\n')
  process.exit(0)
}
for (const file of readdirSync('fuzz/fuzz_targets')) {
  const target = file.replace('.rs', '')
  const [corpus, seeds] = [`fuzz/corpus/${target}`, `fuzz/seeds/${target}`]
  mkdirSync(corpus, { recursive: true })
  const limits = [`-max_total_time=${seconds}`, '-timeout=20', '-verbosity=0', '-max_len=65536']
  process.stdout.write(`• fuzz ${target}\n`)
  run('cargo', ['+nightly', 'fuzz', 'run', target, corpus, seeds, '--', ...limits])
}
