import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { folder, same } from '../support.ts'
import { FREE, grown, pastream, ramp, RATE, readWav, Running, wav } from './support.ts'

type Told = { event: string } & Record<string, unknown>

/** The fields of each event, as docs/cli.md has them. */
const DOCUMENTED = new Map(
  [...readFileSync('docs/cli.md', 'utf8').matchAll(/^\| `(\w+)` \| (`.*?`) \|/gm)].map(
    ([, event = '', fields = '']) => [event, fields.replaceAll('`', '').split(', ')] as const,
  ),
)

/** What --json told: every line is an object, and nothing in it undocumented. */
function events(t: ExecutionContext, stderr: string): Told[] {
  const told = stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Told)
  for (const { event, ...fields } of told) {
    const known = DOCUMENTED.get(event) ?? []
    for (const field of Object.keys(fields)) t.true(known.includes(field), `docs/cli.md has no ${field} of ${event}`)
  }
  return told
}

const NONE = { count: 0, frames: 0, starved: 0, starvations: 0 }

test('--json tells start, progress and end', async (t) => {
  const path = await folder(t)
  writeFileSync(path('in.wav'), wav(ramp(RATE)))
  const args = ['--json', '--meter', '-D', 'virtual:block=64', 'in.wav', 'out.wav']
  const { status, stdout, stderr } = await pastream(t, path(''), args)
  t.deepEqual([status, stdout.length], [0, 0])
  const [start, ...rest] = events(t, stderr)
  t.deepEqual(start, {
    event: 'start',
    device: 'virtual:block=64',
    sampleRate: RATE,
    channels: 2,
    format: 'int16',
    blockSize: 64,
    latency: start?.['latency'],
    input: {
      file: 'in.wav',
      container: 'wav',
      encoding: 'pcm_16',
      channels: 2,
      sampleRate: RATE,
      frames: RATE,
      missing: 0,
      format: 'int16',
      tags: {},
    },
    output: 'out.wav',
    conversion: { playback: null, recording: [null] },
    length: RATE,
  })
  const end = rest.pop()
  const written = { file: 'out.wav', frame: 0, frames: RATE, bytes: 80 + 4 * RATE, complete: true }
  t.deepEqual(rest.pop(), { event: 'file', ...written })
  t.true(rest.length >= 2)
  for (const progress of rest) {
    const { frames, position, seconds, load, levels, ...others } = progress as Told & {
      frames: number
      position: number
      levels: object
    }
    t.deepEqual(others, { event: 'progress', paused: false, xruns: 0, gaps: NONE })
    // Both are of the moment in which each is asked for.
    t.true(position >= frames && position < frames + RATE / 10, `${position} at ${frames}`)
    t.is(seconds, frames / RATE)
    t.true(Number(load) >= 0)
    for (const side of Object.values(levels) as { peak: number; rms: number }[][]) {
      t.is(side.length, 2)
      for (const { peak, rms } of side) t.true(peak > 0.9 && peak < 1 && rms > 0.4 && rms < 0.7)
    }
  }
  const sent = ramp(RATE)
  const levels = [0, 1].map((channel) => {
    const one = sent.filter((_, index) => index % 2 === channel).length
    const values = Array.from({ length: one }, (_, frame) => (sent[2 * frame + channel] ?? 0) / 32_768)
    return { peak: Math.max(...values), rms: Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / one) }
  })
  const { levels: told, ...others } = end as Told & { levels: Record<string, { peak: number; rms: number }[]> }
  t.deepEqual(others, {
    event: 'end',
    outcome: 'finished',
    frames: RATE,
    seconds: 1,
    played: RATE,
    xruns: 0,
    xrunCounts: { inputUnderflow: 0, inputOverflow: 0, outputUnderflow: 0, outputOverflow: 0 },
    gaps: NONE,
    eventsLost: 0,
    files: [written],
  })
  for (const side of ['playback', 'recording']) {
    for (const [channel, { peak, rms }] of levels.entries()) {
      const { peak: highest = 0, rms: overall = 0 } = told[side]?.[channel] ?? {}
      t.is(highest, peak)
      t.true(Math.abs(overall - rms) < 1e-12)
    }
  }
})

test('--json tells xruns, gaps and signals; --meter off measures nothing', async (t) => {
  const path = await folder(t)
  const running = new Running(t, path(''), [
    '--json',
    '--meter=off',
    '-D',
    'virtual:block=64:fault=xrun@0.05:fault=stall@0.1+0.05',
    '-r8k',
    '-c1',
    'null',
    'out.wav',
  ])
  await running.told('"event":"gap"')
  running.child.kill('SIGTERM')
  const { status, stderr } = await running.ended()
  t.is(status, 0)
  const told = events(t, stderr)
  t.deepEqual(told[0]?.['input'], null)
  t.deepEqual(told[0]?.['length'], null)
  t.is(told.find(({ event }) => event === 'xrun')?.['kinds']?.toString(), 'inputOverflow')
  const { length, ...gap } = (told.find(({ event }) => event === 'gap') ?? {}) as Told
  t.like(gap, { side: 'recording', cause: 'xrun' })
  t.is(length, 400)
  t.like(
    told.find(({ event }) => event === 'note'),
    { text: 'SIGTERM: finishing; once more ends at once' },
  )
  const end = told.at(-1)
  t.like(end, { event: 'end', outcome: 'stopped', xruns: 2 })
  t.false(stderr.includes('levels'))
  const [file] = (end?.['files'] ?? []) as object[]
  t.like(file, { file: 'out.wav', frames: end?.['frames'] })
})

test('--json tells what failed as its last line', async (t) => {
  const path = await folder(t)
  writeFileSync(path('in.wav'), wav(ramp(1000)))
  const last = async (...args: string[]): Promise<[number | null, Told | undefined]> => {
    const { status, stderr } = await pastream(t, path(''), ['--json', ...args])
    return [status, events(t, stderr).at(-1)]
  }
  t.deepEqual(await last('missing.wav'), [
    1,
    {
      event: 'error',
      status: 1,
      code: 'ERR_PASTREAM_IO',
      message: 'cannot open missing.wav: No such file or directory: check the path',
    },
  ])
  t.deepEqual(await last('-D', 'virtual:fault=xrun@0', '--fatal-xruns', 'in.wav'), [
    3,
    { event: 'error', status: 3, message: 'ended by --fatal-xruns after 1 xruns: try a larger --blocksize' },
  ])
  t.deepEqual(await last(), [
    2,
    { event: 'error', status: 2, message: 'no file: give an input to play, or null and an output to record to' },
  ])
})

test('--quiet goes before --json', async (t) => {
  const path = await folder(t)
  writeFileSync(path('in.wav'), wav(ramp(10)))
  t.is((await pastream(t, path(''), [...FREE, '-q', '--json', 'in.wav'])).stderr, '')
})

test('--fatal-xruns ends with 3 soon after an xrun, and with a valid file', async (t) => {
  const path = await folder(t)
  const sent = ramp(10 * RATE)
  writeFileSync(path('in.wav'), wav(sent))
  const args = ['-D', 'virtual:block=64:fault=xrun@0.5', '--fatal-xruns', 'in.wav', 'out.wav']
  const { status } = await pastream(t, path(''), args)
  t.is(status, 3)
  const { data } = readWav(path('out.wav'))
  const frames = data.length / 4
  // By the device's clock: 0.2 s after it.
  t.true(frames >= 0.5 * RATE && frames <= 0.7 * RATE, String(frames))
  same(t, data, sent.subarray(0, 2 * frames))
})

test('--no-clobber keeps what is there, also where it is a link to nowhere', async (t) => {
  const path = await folder(t)
  writeFileSync(path('in.wav'), wav(ramp(10)))
  writeFileSync(path('old.wav'), 'old')
  const { status, stderr } = await pastream(t, path(''), [...FREE, '--no-clobber', 'in.wav', 'old.wav'])
  t.is(status, 1)
  t.regex(stderr, /^pastream-rs: old\.wav is there already, and --no-clobber keeps it: .*\n$/)
  t.is(readFileSync(path('old.wav'), 'utf8'), 'old')
  symlinkSync('nothing.wav', path('link.wav'))
  const linked = await pastream(t, path(''), [...FREE, '--no-clobber', 'in.wav', 'link.wav'])
  t.is(linked.status, 1)
  t.is(
    linked.stderr,
    "pastream-rs: cannot write link.wav: it is a link to a file that isn't there: choose another file\n",
  )
  t.false(existsSync(path('nothing.wav')))
  t.is((await pastream(t, path(''), [...FREE, '--no-clobber', 'in.wav', 'new.wav'])).status, 0)
  t.true(existsSync(path('new.wav')))
})

test('--tag is what others read of the output', async (t) => {
  const path = await folder(t)
  writeFileSync(path('in.wav'), wav(ramp(10)))
  const tags = ['--tag', 'title=One=1', '--tag', 'ARTIST=Ä', '--tag', 'timeReference=48000']
  t.is((await pastream(t, path(''), [...FREE, ...tags, 'in.wav', 'out.wav'])).status, 0)
  const probed = spawnSync('ffprobe', ['-v', 'error', '-of', 'json', '-show_format', path('out.wav')])
  const { format } = JSON.parse(String(probed.stdout)) as { format: { tags: Record<string, string> } }
  t.like(format.tags, { title: 'One=1', artist: 'Ä', time_reference: '48000' })
})

test('--no-clobber keeps what comes while the command runs', async (t) => {
  const path = await folder(t)
  writeFileSync(path('in.wav'), wav(ramp(60 * RATE)))
  const args = ['--json', '-D', 'virtual', '--no-clobber', '--preroll', '1', 'in.wav', 'out.wav']
  const running = new Running(t, path(''), args)
  await running.told('"progress"')
  while (!/"progress","frames":[1-9]/.test(running.stderr)) await once(running.child.stderr, 'data')
  writeFileSync(path('out.wav'), 'precious')
  running.child.kill('SIGUSR1')
  const { status, stderr } = await running.ended()
  t.is(status, 1)
  t.like(events(t, stderr).at(-1), {
    event: 'error',
    message: 'out.wav is there already, and is not to be written over: choose another file; 0 frames of it are written',
  })
  t.false(stderr.includes('neither USR1'), stderr)
  t.is(readFileSync(path('out.wav'), 'utf8'), 'precious')
})

test('a slow producer ends the run under --underrun abort', async (t) => {
  const path = await folder(t)
  const args = ['-D', 'virtual:block=64', '--buffersize', '64', '--underrun', 'abort', '-', 'out.wav']
  const running = new Running(t, path(''), args)
  running.child.stdin.write(wav(ramp(10 * RATE)).subarray(0, 4000))
  const { status, stderr } = await running.ended()
  t.is(status, 1)
  t.regex(
    stderr,
    /\npastream-rs: the input was late after \d+ frames: leave out --underrun abort, or give a larger --buffersize\n$/,
  )
  await grown(path('out.wav'), 1)
})
