import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../scripts/setup.mjs'
import { table } from './table.mjs'

const RUNS = 30
const SAMPLE_RATE = 48_000

/** PulseAudio with a null sink whose monitor is the default source, and ALSA's way to it. */
async function servers() {
  const where = mkdtempSync(join(tmpdir(), 'pastream-bench-'))
  const socket = join(where, 'native')
  const config = join(where, 'asound.conf')
  writeFileSync(config, '</usr/share/alsa/alsa.conf>\npcm.!default { type pulse }\nctl.!default { type pulse }\n')
  Object.assign(process.env, {
    XDG_RUNTIME_DIR: where,
    PULSE_RUNTIME_PATH: where,
    PULSE_SERVER: `unix:${socket}`,
    ALSA_CONFIG_PATH: config,
  })
  const sink = 'module-null-sink sink_name=loop rate=48000 channels=2 format=s16le norewinds=1'
  const modules = [`module-native-protocol-unix socket=${socket}`, sink].flatMap((module) => ['-L', module])
  const options = ['-n', '--daemonize=no', '--exit-idle-time=-1', '--use-pid-file=no', '--disable-shm=yes']
  const server = spawn('pulseaudio', [...options, ...modules], { stdio: 'ignore' })
  for (let tries = 0; !existsSync(socket) && tries < 100; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return () => {
    server.kill()
    rmSync(where, { recursive: true, force: true })
  }
}

/** A Python that has sounddevice, made where there is none. */
function python() {
  const bin = join(root, 'target/bench-python/bin')
  const ready = () => spawnSync(join(bin, 'python'), ['-c', 'import numpy, sounddevice']).status === 0
  if (!ready()) {
    spawnSync('python3', ['-m', 'venv', join(root, 'target/bench-python')])
    spawnSync(join(bin, 'pip'), ['install', '--quiet', 'numpy', 'sounddevice==0.5.3'], { stdio: 'inherit' })
  }
  return ready() ? join(bin, 'python') : undefined
}

function theirs(python) {
  const options = { cwd: root, encoding: 'utf8' }
  const { stdout, stderr } = spawnSync(python, ['bench/alignment.py', String(RUNS), 'low'], options)
  if (!stdout) throw new Error(`sounddevice: ${stderr}`)
  return JSON.parse(stdout)
}

async function ours(DuplexStream, device) {
  const sent = Int16Array.from({ length: SAMPLE_RATE / 5 }, (_, index) => ((index * 7919) % 32_000) + 1)
  const [offsets, errors] = [[], []]
  for (let run = 0; run < RUNS; run++) {
    const stream = await DuplexStream.open({
      device,
      sampleRate: SAMPLE_RATE,
      channels: 2,
      format: 'int16',
      latency: 'low',
    })
    const take = await stream.playrec(sent, { pad: SAMPLE_RATE / 2 })
    const offset = take.findIndex((sample) => sample !== 0) >> 1
    offsets.push(offset)
    errors.push(Math.abs(stream.alignment.offsetFrames - offset))
    await stream.close()
  }
  return { offsets, worst: Math.max(...errors) }
}

function deviation(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length)
}

/** How far apart playback and recording are over PulseAudio, run after run, and whether that is known. */
export async function alignment() {
  if (spawnSync('pulseaudio', ['--version']).status !== 0) {
    process.stdout.write('\nAlignment: left out, pulseaudio is not installed.\n')
    return
  }
  const { DuplexStream } = await import('pastream-rs')
  const stop = await servers()
  try {
    const peer = python()
    const rows = []
    for (const load of ['quiet', 'busy']) {
      const busy = load === 'busy' ? cpus().map(() => spawn(process.execPath, ['-e', 'for (;;);'])) : []
      const add = (name, offsets, peerDeviation, worst) => {
        const ratio = peerDeviation === undefined ? '' : (deviation(offsets) / peerDeviation).toFixed(2)
        const heard = offsets.filter((offset) => offset >= 0)
        const spread = `${Math.min(...heard)} to ${Math.max(...heard)}`
        rows.push([`${load}: ${name}`, spread, deviation(heard).toFixed(1), ratio, worst, `${RUNS - heard.length}`])
      }
      try {
        let other
        if (peer) {
          const offsets = theirs(peer)
          other = deviation(offsets.filter((offset) => offset >= 0))
          add('sounddevice, ALSA', offsets, other, 'untold')
        }
        for (const [name, device] of [
          ['PulseAudio', ['pulse:loop', 'pulse:loop.monitor']],
          ['ALSA', 'alsa:default'],
        ]) {
          const { offsets, worst } = await ours(DuplexStream, device)
          add(`pastream-rs, ${name}`, offsets, other, worst.toFixed(1))
        }
      } finally {
        for (const child of busy) child.kill('SIGKILL')
      }
    }
    table(
      `Playback to recording over PulseAudio's null sink and its monitor: frames at ${SAMPLE_RATE / 1000} kHz, ${RUNS} streams each`,
      ['', 'least to most', 'deviation', '/sounddevice', 'told wrong by', 'unheard'],
      rows,
      [
        '',
        'deviation: standard, of the frames from playback to recording; told wrong by: the worst of `alignment.offsetFrames`;',
        'unheard: runs whose recording holds nothing. busy: with a loop on each core. latency: low.',
        'target: a third of sounddevice’s deviation, and told within a period, 960 frames.',
        ...(peer ? [] : ['sounddevice can not be had here (python3-venv, libportaudio2): left out.']),
      ],
    )
  } finally {
    stop()
  }
}
