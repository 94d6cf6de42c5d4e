import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median, table } from './table.mjs'

const ROUNDS = 5
const SECONDS = 120
const [FROM, TO, CHANNELS] = [44_100, 48_000, 2]

/** Seconds of the wall clock and of CPU that `work` takes here. */
async function measured(work) {
  const [start, before] = [performance.now(), process.cpuUsage()]
  await work()
  const { user, system } = process.cpuUsage(before)
  return [(performance.now() - start) / 1000, (user + system) / 1e6]
}

function command(name, args) {
  const start = performance.now()
  const { status, error } = spawnSync(name, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  if (error ?? status !== 0) throw new Error(`${name} ${args.join(' ')}: failed`, { cause: error })
  return (performance.now() - start) / 1000
}

/** Whole files from one rate to another, against programs that do that. */
export async function resample() {
  const { DuplexStream, generators, SoundFile } = await import('pastream-rs')
  const where = mkdtempSync(join(tmpdir(), 'pastream-bench-'))
  const [input, output] = [join(where, 'in.wav'), join(where, 'out.wav')]
  const device = 'virtual:clock=free'
  try {
    const made = await DuplexStream.open({ device, sampleRate: FROM, channels: CHANNELS, format: 'int24' })
    await made.toFile(input)
    await made.play(generators.take(generators.noise(), { seconds: SECONDS }))
    await made.close()

    const transfer = async (sampleRate, quality) => {
      rmSync(output, { force: true })
      const stream = await DuplexStream.open({ device, sampleRate, channels: CHANNELS, format: 'int24' })
      await stream.setSource(input, { quality })
      await stream.toFile(output)
      await stream.start()
      await stream.wait()
      await stream.close()
      const file = await SoundFile.open(output)
      const { frames } = file.info
      await file.close()
      if (frames !== SECONDS * sampleRate) throw new Error(`${frames} frames came out`)
    }
    const peers = {
      'sox rate -v': ['sox', [input, output, 'rate', '-v', `${TO}`]],
      'ffmpeg, default': ['ffmpeg', ['-v', 'error', '-y', '-i', input, '-ar', `${TO}`, output]],
    }
    const [times, loads] = [new Map(), new Map()]
    const note = (map, name, value) => map.set(name, [...(map.get(name) ?? []), value])
    const missing = Object.entries(peers).filter(([, [name]]) => spawnSync(name, ['-version']).error)
    for (const [name] of missing) delete peers[name]
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, [program, args]] of Object.entries(peers)) note(times, name, command(program, args))
      const [plain, idle] = await measured(() => transfer(FROM, 'best'))
      note(times, 'the library, same rate', plain)
      for (const quality of ['fast', 'good', 'best']) {
        const [seconds, cpu] = await measured(() => transfer(TO, quality))
        note(times, `the library, ${quality}`, seconds)
        note(loads, `the library, ${quality}`, (100 * (cpu - idle)) / SECONDS)
      }
    }
    const peer = times.get('sox rate -v') ?? times.get('the library, best')
    const rows = [...times].map(([name, seconds]) => [
      name,
      (median(seconds) * 1000).toFixed(0),
      median(seconds.map((value, round) => value / peer[round])).toFixed(2),
      loads.has(name) ? median(loads.get(name)).toFixed(2) : '',
    ])
    table(
      `Resampling: ${SECONDS} s of ${CHANNELS} × int24 from ${FROM} to ${TO} Hz, ${ROUNDS} rounds`,
      ['', 'ms', times.has('sox rate -v') ? '/sox' : '/best', '% of a core'],
      rows,
      ['', 'target: best within 5 % of a core.', ...missing.map(([name]) => `${name} is not installed: left out.`)],
    )
  } finally {
    rmSync(where, { recursive: true, force: true })
  }
}
