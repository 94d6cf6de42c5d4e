import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { decode, repair, type Container } from 'pastream-rs'
import { folder, linux, randoms, same } from '../support.ts'
import {
  asSox,
  COMMAND,
  FREE,
  grown,
  HEEDING,
  needing,
  pastream,
  ramp,
  RATE,
  readWav,
  Running,
  tool,
  wav,
  type Result,
} from './support.ts'

/** Every container that is true while it grows. */
const CONTAINERS: readonly Container[] = ['wav', 'rf64', 'w64', 'aiff', 'au', 'caf', 'flac']
/** Kills of each, and within how many seconds: more of them by environment. */
const { KILLS = '5', SPAN = '2.5' } = process.env
const ROUNDS = 5
const AT_ONCE = Math.ceil(Number(KILLS) / ROUNDS)

const sent = ramp((Number(SPAN) + 60) * RATE)

/** Kills a recording after so many milliseconds. Answers what it lacks, in seconds. */
async function kill(t: ExecutionContext, file: string, container: Container, after: number): Promise<number> {
  const [folder, name] = [dirname(file), basename(file)]
  const running = new Running(t, folder, ['--json', '-D', 'virtual', '-t', `^,${container}`, 'in.wav', name])
  // When the first frame came; whoever is told of one late takes it for later.
  let first = Infinity
  running.child.stderr.on('data', (told: string) => {
    for (const [, frames] of told.matchAll(/"progress","frames":(\d+)/g)) {
      first = Math.min(first, performance.now() - (Number(frames) / RATE) * 1000)
    }
  })
  // With a header, at least.
  await grown(file, 1)
  await pause(after)
  running.child.kill('SIGKILL')
  const lived = Math.max(0, performance.now() - first) / 1000
  await running.ended()

  const { data, channels } = await decode(file, { format: 'int16' })
  same(t, data, sent.subarray(0, data.length), name)
  t.is(channels, 2)
  const lacks = lived - data.length / 2 / RATE
  t.true(lacks <= 1, `${name}: ${data.length / 2} frames of ${lived} s`)
  if (container === 'flac') return lacks

  // What came after the last header is there, too.
  const size = statSync(file).size
  const mended = await repair(file)
  t.true(mended.frames * 4 + 256 > size && mended.frames >= data.length / 2, JSON.stringify(mended))
  const whole = await decode(file, { format: 'int16' })
  t.is(whole.data.length, 2 * mended.frames)
  same(t, whole.data, sent.subarray(0, whole.data.length), name)
  t.deepEqual(await repair(file), { ...mended, changed: false })
  return lacks
}

for (const [index, container] of CONTAINERS.entries()) {
  test(`kill -9 at any moment leaves a file that lacks at most the last second: ${container}`, async (t) => {
    const path = await folder(t)
    writeFileSync(path('in.wav'), wav(sent))
    const random = randoms(index + 1)
    let most = 0
    for (let round = 0; round < ROUNDS; round++) {
      const kills = Array.from({ length: AT_ONCE }, (_, at) =>
        kill(t, path(`${round}-${at}.${container}`), container, random(1000 * Number(SPAN))),
      )
      most = Math.max(most, ...(await Promise.all(kills)))
    }
    t.log(`lacks at most ${most.toFixed(2)} s, of ${ROUNDS * AT_ONCE} within ${SPAN} s`)
  })
}

test('a reader of stdout that stalls for eight seconds costs no frame', async (t) => {
  const path = await folder(t)
  const long = ramp(10 * 48_000)
  writeFileSync(path('in.wav'), wav(long, 2, 48_000))
  const args = [COMMAND, '-D', 'virtual', '-t', '^,au', '--endian', '^,little', 'in.wav', '-']
  const child = spawn(process.execPath, args, { cwd: path(''), stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  while (!stderr.includes('-> stdout')) await once(child.stderr, 'data')
  await pause(8000)
  const closed = once(child, 'close')
  const got = await buffer(child.stdout)
  t.deepEqual(await closed, [0, null])
  t.regex(stderr, /\ngaps: .*, 0 in the recording \(0 frames\)\n/)
  same(t, got.subarray(24), long)
})

const mounts = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', tmpdir()]).status === 0
const [within, limit] = mounts
  ? [['unshare', '-rm'], 'mount -t tmpfs -o size=200k none disk']
  : [[], 'ulimit -f 200; trap "" XFSZ']
/** Runs a command with a `disk` of 200 KiB, of which it leaves the files beside it; where none may be mounted, a file holds as much. */
const small = [...within, 'bash', '-c', `${limit} && "$@"; s=$?; mv disk/* .; exit $s`, 'bash']

for (const container of CONTAINERS) {
  const title = `a disk that is full: status 1, an error that names the file, and all that fitted: ${container}`
  needing(['unshare', 'sox', 'ffmpeg'], title, async (t) => {
    if (!mounts) t.log('the disk is a limit of the length of files: no file system may be mounted')
    const path = await folder(t)
    mkdirSync(path('disk'))
    writeFileSync(path('in.wav'), wav(sent))
    const name = `out.${container}`
    const args = ['-q', ...FREE, '-t', `^,${container}`, 'in.wav', `disk/${name}`]
    const { status, stderr } = await new Running(t, path(''), args, small).ended()
    t.is(status, 1)
    const reason = mounts ? 'No space left on device: make room, or write elsewhere' : 'File too large'
    const { data } = await decode(path(name), { format: 'int16' })
    const told = `pastream-rs: cannot write disk/${name}: ${reason}; ${data.length / 2} frames of it are written\n`
    t.true(stderr.endsWith(told), stderr)
    same(t, data, sent.subarray(0, data.length))
    // But for what is no whole frame, or block.
    const [{ size }, most] = [statSync(path(name)), 200 * 1024]
    t.true(size <= most && size > most - (container === 'flac' ? 8192 : 8), `${size}`)
    if (container === 'wav') same(t, readWav(path(name)).data, data)

    const raw = ['-f', 's16le', '-c:a', 'pcm_s16le', '-']
    same(t, asSox(path(''), name), data, 'sox')
    same(t, tool(path(''), 'ffmpeg', '-v', 'error', '-xerror', '-i', name, ...raw), data, 'ffmpeg')
  })
}

linux('a folder that loses its permission: what is open goes on, and no file follows', async (t) => {
  const path = await folder(t)
  writeFileSync(path('in.wav'), wav(sent))
  const lose = async (name: string, mode: number, ...args: string[]): Promise<Result> => {
    mkdirSync(path('takes'))
    const running = new Running(t, path(''), ['-q', '-D', 'virtual', ...args, 'in.wav', 'takes/out.wav'], HEEDING)
    await grown(path(`takes/${name}`), 8000)
    chmodSync(path('takes'), mode)
    if (args.length === 0) running.child.kill('SIGINT')
    const ended = await running.ended()
    chmodSync(path('takes'), 0o700)
    const names = readdirSync(path('takes')).toSorted()
    const data = Buffer.concat(names.map((file) => readWav(path(`takes/${file}`)).data))
    t.true(data.length >= 7000)
    same(t, data, sent.subarray(0, data.length / 2))
    rmSync(path('takes'), { recursive: true })
    return { ...ended, stdout: Buffer.from(names.join()) }
  }
  t.like(await lose('out.wav', 0o500), { status: 0, stderr: '' })
  t.like(await lose('out.wav', 0), {
    status: 1,
    stderr: 'pastream-rs: cannot find takes/out.wav again: Permission denied: choose another, or change its rights\n',
  })
  for (const mode of [0o500, 0]) {
    const { status, stderr, stdout } = await lose('out-0002.wav', mode, '--split', '12000s')
    t.is(status, 1)
    const next = stdout.toString().split(',').length + 1
    // A block that came after that is told before it.
    const told = `pastream-rs: cannot write takes/out-000${next}.wav: Permission denied: choose another, or change its rights; 0 frames of it are written\n`
    t.true(stderr.endsWith(told), stderr)
  }
})

linux(
  'a folder that is moved away: status 1, an error that names the file, which is whole where it went',
  async (t) => {
    const path = await folder(t)
    mkdirSync(path('takes'))
    writeFileSync(path('in.wav'), wav(sent))
    const running = new Running(t, path(''), ['-D', 'virtual', 'in.wav', 'takes/out.wav'])
    await grown(path('takes/out.wav'), 8000)
    renameSync(path('takes'), path('moved'))
    running.child.kill('SIGINT')
    const { status, stderr } = await running.ended()
    t.is(status, 1)
    t.regex(stderr, /takes\/out\.wav was moved, removed or replaced/)
    const { data } = readWav(path('moved/out.wav'))
    t.true(data.length >= 7000)
    same(t, data, sent.subarray(0, data.length / 2))
  },
)

test('an old file stays as it is until the first frame', async (t) => {
  const path = await folder(t)
  writeFileSync(path('out.wav'), 'old')
  const { status } = await pastream(t, path(''), ['-D', 'no such device', 'null', 'out.wav'])
  t.is(status, 1)
  t.is(readFileSync(path('out.wav'), 'utf8'), 'old')
})
