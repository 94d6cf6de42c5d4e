// Runs every fuzz target for some seconds: libFuzzer, built by the toolchain that builds all else.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { root, run } from './setup.mjs'

const seconds = Number(process.argv[2] ?? 2)
const [, host] = /^host: (.*)$/m.exec(spawnSync('rustc', ['-vV'], { encoding: 'utf8' }).stdout)
const counted = ['level=4', 'inline-8bit-counters', 'pc-table', 'trace-compares']
const flags = ['-Cpasses=sancov-module', ...counted.map((what) => `-Cllvm-args=-sanitizer-coverage-${what}`)]
// With a target named, build scripts are not counted. Without `--cfg fuzzing`, under which symphonia checks no sums.
run('cargo', ['build', '--manifest-path', 'fuzz/Cargo.toml', '--release', '--locked', '--target', host], {
  RUSTFLAGS: flags.join(' '),
})
mkdirSync(`${root}/fuzz/artifacts`, { recursive: true })
for (const file of readdirSync(`${root}/fuzz/fuzz_targets`)) {
  const target = file.replace('.rs', '')
  const corpus = `fuzz/corpus/${target}`
  mkdirSync(`${root}/${corpus}`, { recursive: true })
  process.stdout.write(`• fuzz ${target}\n`)
  const limits = [`-max_total_time=${seconds}`, '-timeout=20', '-max_len=65536', '-verbosity=0']
  const inputs = [corpus, `fuzz/seeds/${target}`, `-artifact_prefix=fuzz/artifacts/${target}-`]
  // It tells much besides.
  const { status, stderr } = spawnSync(`fuzz/target/${host}/release/${target}`, [...inputs, ...limits], {
    cwd: root,
    encoding: 'utf8',
  })
  if (status !== 0) {
    process.stderr.write(stderr)
    process.exit(1)
  }
}
