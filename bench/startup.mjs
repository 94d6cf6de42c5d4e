import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../scripts/setup.mjs'
import { median, table } from './table.mjs'

const ROUNDS = 15
const SECONDS = 0.5

/** What only a parent learns of a program: seconds of wall clock and of processor, and the most memory that it had, in MB. */
const MEASURE = `
import json, resource, subprocess, sys, time
start = time.perf_counter()
status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
wall = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([status, wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))`

function measured(...command) {
  const { stdout, stderr, error } = spawnSync('python3', ['-c', MEASURE, ...command], { cwd: root, encoding: 'utf8' })
  if (error) throw new Error('python3 is missing: it measures the memory of processes', { cause: error })
  const [status, wall, processor, memory] = JSON.parse(stdout)
  if (status !== 0) throw new Error(`${command.join(' ')}: status ${status}\n${stderr}`)
  return { wall, processor, memory }
}

/** The command's start: what it takes to tell its version, and to play a short file on the virtual device. */
export async function startup() {
  const { SoundFile } = await import('pastream-rs')
  const where = mkdtempSync(join(tmpdir(), 'pastream-bench-'))
  try {
    const input = join(where, 'in.wav')
    const file = await SoundFile.open(input, { mode: 'w', sampleRate: 48_000, channels: 2, format: 'int16' })
    await file.write(new Int16Array(SECONDS * 48_000 * 2))
    await file.close()
    const command = (...args) => ['node', 'dist/cli.js', ...args]
    const programs = {
      'node -e 0': ['node', '-e', '0'],
      'pastream-rs --version': command('--version'),
      'pastream-rs --help': command('--help'),
      [`pastream-rs, playing ${SECONDS} s`]: command('-D', 'virtual', input),
      ...(spawnSync('sox', ['--version']).error ? {} : { 'sox --version': ['sox', '--version'] }),
    }
    const rounds = Object.keys(programs).map(() => [])
    for (let round = 0; round < ROUNDS; round++) {
      for (const [index, line] of Object.values(programs).entries()) rounds[index].push(measured(...line))
    }
    const [node] = rounds
    const rows = Object.keys(programs).map((name, index) => {
      const of = (what) => median(rounds[index].map((measure) => measure[what]))
      const ratio = median(rounds[index].map(({ processor }, round) => processor / node[round].processor))
      return [
        name,
        (of('wall') * 1000).toFixed(0),
        (of('processor') * 1000).toFixed(0),
        ratio.toFixed(2),
        of('memory').toFixed(0),
      ]
    })
    table(`Start-up of the command, ${ROUNDS} rounds`, ['', 'ms', 'user+system ms', '/node -e 0', 'MB'], rows, [
      '',
      `targets: --version within 1.3 times node -e 0; playing within ${SECONDS * 1000} + 150 ms, and 60 MB more than node -e 0.`,
    ])
  } finally {
    rmSync(where, { recursive: true, force: true })
  }
}
