import { spawnSync } from 'node:child_process'
import { accessSync, constants, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../scripts/setup.mjs'
import { median, table } from './table.mjs'

const ROUNDS = 15
const SECONDS = 600
const SAMPLE_RATE = 48_000
const CHANNELS = 2
const DEVICE = 'virtual:clock=free'
const DATA = SECONDS * SAMPLE_RATE * CHANNELS * Int16Array.BYTES_PER_ELEMENT

/** A folder in memory where the system has one, so that no disk is measured. */
function folder() {
  try {
    accessSync('/dev/shm', constants.W_OK)
    return mkdtempSync('/dev/shm/pastream-bench-')
  } catch {
    return mkdtempSync(join(tmpdir(), 'pastream-bench-'))
  }
}

async function makeInput(DuplexStream, path) {
  const noise = new Int16Array(DATA / Int16Array.BYTES_PER_ELEMENT)
  let state = 1
  for (let index = 0; index < noise.length; index++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0
    noise[index] = state >> 16
  }
  const stream = await DuplexStream.open({
    device: DEVICE,
    sampleRate: SAMPLE_RATE,
    channels: CHANNELS,
    format: 'int16',
  })
  await stream.setSource(noise)
  await stream.toFile(path)
  await stream.start()
  await stream.wait()
  await stream.close()
}

/** Seconds of a whole process; throws where it fails. */
function command(name, args) {
  const start = performance.now()
  const { status, error } = spawnSync(name, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
  const seconds = (performance.now() - start) / 1000
  if (error ?? status !== 0) throw new Error(`${name} ${args.join(' ')}: failed`, { cause: error })
  return seconds
}

/** Whole files through playback, the virtual device's line and recording, against programs that copy them. */
export async function transfer() {
  const { DuplexStream } = await import('pastream-rs')
  const where = folder()
  const [input, output] = [join(where, 'in.wav'), join(where, 'out.wav')]
  try {
    await makeInput(DuplexStream, input)
    const expected = readFileSync(input)
    const samples = expected.subarray(-DATA)
    const hasSox = !spawnSync('sox', ['--version']).error
    const times = new Map()
    const note = (name, seconds) => times.set(name, [...(times.get(name) ?? []), seconds])

    // Each subject writes a file that is not there, and its output is held against the input.
    const subject = async (name, run, whole = true) => {
      rmSync(output, { force: true })
      note(name, await run())
      const got = readFileSync(output)
      if (!(whole ? got.equals(expected) : got.subarray(-DATA).equals(samples))) {
        throw new Error(`${name}: the output differs from the input`)
      }
    }
    const library = async () => {
      const start = performance.now()
      const stream = await DuplexStream.fromFile(input, { device: DEVICE })
      await stream.toFile(output)
      const opened = performance.now()
      await stream.start()
      await stream.wait()
      note('the transfer alone: start, wait', (performance.now() - opened) / 1000)
      await stream.close()
      return (performance.now() - start) / 1000
    }

    for (let round = 0; round < ROUNDS; round++) {
      await subject('cp', () => command('cp', [input, output]))
      if (hasSox) await subject('sox', () => command('sox', [input, output]), false)
      note('node -e 0', command(process.execPath, ['-e', '0']))
      await subject('pastream-rs', () => command(process.execPath, ['dist/cli.js', '-q', '-D', DEVICE, input, output]))
      await subject('the library in a running process', library)
    }

    const peer = times.get('cp')
    const rows = [...times].map(([name, seconds]) => [
      name,
      (median(seconds) * 1000).toFixed(1),
      median(seconds.map((value, round) => value / peer[round])).toFixed(2),
    ])
    table(
      `WAV to WAV: ms for ${SECONDS} s of ${CHANNELS} × int16 at ${SAMPLE_RATE / 1000} kHz, ${ROUNDS} rounds`,
      ['', 'ms', '/cp'],
      rows,
      [
        '',
        'cp, sox, node and pastream-rs: whole processes. All outputs were compared with the input in each round.',
        'target: the transfer alone within 2 times cp.',
        ...(hasSox ? [] : ['sox is not installed: left out.']),
      ],
    )
  } finally {
    rmSync(where, { recursive: true, force: true })
  }
}
