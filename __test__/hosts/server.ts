import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { hosts } from 'pastream-rs'

/** A sound server of this test file's own, which ends with it. */
export interface Server {
  start(): Promise<void>
  /** Ends it without a word, as a crash does. */
  kill(): Promise<void>
}

/** Whether the programs are there: where not, the tests of the file are skipped, and fail where CI=true. */
export function installed(...programs: readonly string[]): boolean {
  const missing = programs.filter((program) => spawnSync('which', [program]).status !== 0).join(', ')
  if (missing === '') return true
  const title = `needs ${missing}`
  if (process.env['CI'] === 'true') test(title, (t) => t.fail(`${missing}: not installed`))
  else test.skip(title, (t) => t.pass()) // its title says what is missing
  return false
}

async function available(host: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (hosts().some(({ name, available: there }) => name === host && there)) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`${host} did not start: ${hosts().find(({ name }) => name === host)?.reason}`)
}

function server(host: string, command: string, args: readonly string[]): Server {
  let child: ChildProcess | undefined
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const running = child
    child = undefined
    if (!running || running.exitCode !== null) return
    running.kill(signal)
    await once(running, 'exit')
  }
  test.before(async () => {
    await start()
  })
  // A killed one leaves what it held of the machine.
  test.after.always(() => end('SIGTERM'))
  const start = async (): Promise<void> => {
    child = spawn(command, args, { stdio: 'ignore' })
    await available(host)
  }
  return { start, kill: () => end('SIGKILL') }
}

/** A folder that is gone when the tests are over. */
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'pastream-host-'))
  test.after.always(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** JACK's dummy driver at 48 kHz in periods of 256 frames, two channels each way, what is played being monitored. */
export function jack(): Server {
  const name = `pastream${process.pid}`
  Object.assign(process.env, { JACK_DEFAULT_SERVER: name, JACK_NO_AUDIO_RESERVATION: '1' })
  const driver = ['-d', 'dummy', '-r', '48000', '-p', '256', '-C', '2', '-P', '2', '-m']
  // Realtime where it is granted, so that a busy machine costs no period.
  return server('jack', 'jackd', ['-n', name, '-R', '-P', '10', '--no-mlock', ...driver])
}

/**
 * PulseAudio with a null sink, `loop`, whose monitor is the default source: 48 kHz, two channels of 16 bits. One that `rewinds` takes back what it has
 * rendered ahead when a stream comes or goes, as sound cards do.
 */
export function pulse({ rewinds = false } = {}): Server {
  const path = folder()
  const socket = join(path, 'native')
  Object.assign(process.env, { XDG_RUNTIME_DIR: path, PULSE_RUNTIME_PATH: path, PULSE_SERVER: `unix:${socket}` })
  const sink = `module-null-sink sink_name=loop rate=48000 channels=2 format=s16le norewinds=${rewinds ? 0 : 1}`
  const options = ['-n', '--daemonize=no', '--exit-idle-time=-1', '--use-pid-file=no', '--disable-shm=yes']
  const modules = [`module-native-protocol-unix socket=${socket}`, sink].flatMap((module) => ['-L', module])
  return server('pulse', 'pulseaudio', [...options, ...modules])
}

/** The same through ALSA's plugin. */
export function alsaOverPulse(): Server {
  const running = pulse()
  const config = join(folder(), 'asound.conf')
  writeFileSync(config, '</usr/share/alsa/alsa.conf>\npcm.!default { type pulse }\nctl.!default { type pulse }\n')
  process.env['ALSA_CONFIG_PATH'] = config
  return running
}
