// Runs the package's tests on the other versions of Node, and the smoke set on Bun and Deno. Linux on x64 only.
import { delimiter, join } from 'node:path'
import { root, run, setup } from './setup.mjs'

setup()
if (process.platform !== 'linux' || process.arch !== 'x64') {
  process.stdout.write('• the other runtimes are not tried: their packages are for Linux on x64\n')
  process.exit(0)
}
// Without what they would download when they are installed.
run('npm', ['ci', '--prefix', 'scripts/runtimes', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'])
const packages = join(root, 'scripts/runtimes/node_modules')
// These start hundreds of processes: on the oldest Node, which `npm test` runs on, and on the newest alone.
const many = '!__test__/cli/{bad,durable,examples,files,options,table,values}.test.ts'
for (const version of [22, 24, 26]) {
  process.stdout.write(`• Node ${version}\n`)
  const tests = ['__test__/**', '!__test__/hosts/**', ...(version < 26 ? [many] : [])]
  // The tests start programs by the name of this one, and some by `node`.
  const bin = join(packages, `node-${version}/bin`)
  run(join(bin, 'node'), ['node_modules/ava/entrypoints/cli.mjs', ...tests], {
    PATH: bin + delimiter + process.env.PATH,
  })
}
process.stdout.write('• Bun\n')
run(join(packages, '@oven/bun-linux-x64/bin/bun'), ['__test__/smoke.mjs'])
process.stdout.write('• Deno\n')
run(join(packages, '@deno/linux-x64-glibc/deno'), ['run', '--no-lock', '-A', '__test__/smoke.mjs'])
