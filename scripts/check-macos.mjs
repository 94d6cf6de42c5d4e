// Type-checks what macOS builds, from any system: nothing is linked, nothing runs.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { root, run } from './setup.mjs'

for (const target of ['aarch64-apple-darwin', 'x86_64-apple-darwin']) {
  const libdir = spawnSync('rustc', ['--print', 'target-libdir', '--target', target], { cwd: root, encoding: 'utf8' })
  if (!existsSync(libdir.stdout?.trim() ?? '')) {
    process.stderr.write(`Rust's library for ${target} is missing: rustup target add ${target}\n`)
    process.exit(1)
  }
  run('cargo', ['check', '--locked', '--target', target, '-p', 'pastream', '-p', 'pastream-node'])
}
process.stdout.write('What macOS builds has the right types.\n')
