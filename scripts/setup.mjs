// Brings a fresh clone to where everything runs: packages, addon, bundles, types. Each step is skipped where nothing changed.
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Runs a command of this machine in the project's folder; ends the process with its status where it fails. */
export function run(command, args, env = {}) {
  // npm, npx and what they install are scripts on Windows, which only a shell starts.
  const shell = process.platform === 'win32'
  const { status, signal, error } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    shell,
    env: { ...process.env, ...env },
  })
  if (error) {
    process.stderr.write(`cannot run ${command}: ${error.message}\n`)
    process.exit(1)
  }
  if (status !== 0) process.exit(signal ? 1 : status)
}

export function has(command, ...args) {
  return spawnSync(command, [...args, '--version'], { shell: process.platform === 'win32' }).status === 0
}

function newer(file, than) {
  return !existsSync(than) || statSync(file).mtimeMs > statSync(than).mtimeMs
}

export function setup() {
  if (!has('cargo')) {
    process.stderr.write('Rust is missing: install it (rustup.rs), so that `cargo --version` works, and try again\n')
    process.exit(1)
  }
  process.chdir(root)
  if (newer('package-lock.json', 'node_modules/.package-lock.json')) {
    process.stdout.write('• packages\n')
    run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
  }
  process.stdout.write('• addon (the first build takes a minute)\n')
  run('npx', [
    'napi',
    'build',
    '--release',
    '--platform',
    '--manifest-path',
    'crates/pastream-node/Cargo.toml',
    '-o',
    'ts/binding',
    '--js',
    'binding.cjs',
    '--dts',
    'binding.d.ts',
    '--',
    '--locked',
    '--quiet',
  ])
  process.stdout.write('• library and command\n')
  run(process.execPath, ['scripts/build.mjs'])
}

if (process.argv[1] === fileURLToPath(import.meta.url)) setup()
