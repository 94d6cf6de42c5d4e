import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { folder, same } from '../support.ts'
import { FREE, pastream, ramp, RATE, readWav, wav, type Result, type Wav } from './support.ts'

const FRAMES = 1000
const SENT = ramp(FRAMES)

/** Plays `SENT` and answers what was recorded. */
async function played(t: ExecutionContext, ...args: string[]): Promise<Wav> {
  const path = await folder(t)
  writeFileSync(path('in.wav'), wav(SENT))
  const { status, stderr } = await pastream(t, path(''), [
    ...(args[0] === '-D' ? [] : FREE),
    '-q',
    ...args,
    'in.wav',
    'out.wav',
  ])
  t.is(status, 0, stderr)
  t.is(stderr, '')
  return readWav(path('out.wav'))
}

/** The frames of `SENT` from `from` to `to`, and then silence up to `length` frames. */
function part(from: number, to: number, length = to - from): Int16Array {
  const frames = new Int16Array(2 * length)
  frames.set(SENT.subarray(2 * from, 2 * to))
  return frames
}

/** `SENT` through a function of its left and right samples. */
function mapped(map: (left: number, right: number) => number[]): Int16Array {
  const frames = Array.from({ length: FRAMES }, (_, frame) => map(SENT[2 * frame] ?? 0, SENT[2 * frame + 1] ?? 0))
  return Int16Array.from(frames.flat())
}

const lengths: [string, Int16Array][] = [
  ['-d 500s', part(0, 500)],
  ['--duration=.05', part(0, 400)],
  ['-d 0:00:00.1', part(0, 800)],
  ['-d0.2ks', part(0, 200)],
  ['-d -1', SENT],
  ['-d 0', part(0, 0)],
  ['-d 1500s -p', part(0, FRAMES, 1500)],
  ['-p -1 -d 1500s', part(0, FRAMES, 1500)],
  ['-d 300s -p -1', part(0, 300)],
  ['-p 300s', part(0, FRAMES, 1300)],
  ['-p.05', part(0, FRAMES, 1400)],
  ['-d 500s -p 100s', part(0, 500, 600)],
  ['-o 100s', part(100, FRAMES)],
  ['-o 0.05 -d 0.1', part(400, 800)],
  ['--offset 500s --duration 500s', part(0, 0)],
  ['-o 900s -p 200s', part(900, FRAMES, 300)],
  ['--loop -d 4500s', Int16Array.from({ length: 9000 }, (_, index) => SENT[index % SENT.length] ?? 0)],
  ['--loop -d 2100s -o 1900s', Int16Array.from([...part(900, 1000), ...part(0, 100)])],
  ['--latency low', SENT],
  ['--latency=0.02 --host virtual -D virtual:clock=free', SENT],
  ['-D virtual:clock=free:delay=300 --align', SENT],
  ['-D virtual:clock=free:delay=300 --align -o 100s -p 50s', part(100, FRAMES, 950)],
  ['-D virtual:clock=free:delay=300 --align -d 400s -p -1', part(0, 400)],
  ['--buffersize 1', SENT],
  ['--buffersize 7 -b 3', SENT],
  ['--buffersize 1K -b 64', SENT],
  ['-D virtual:clock=free:block=1..700:seed=5', SENT],
  ['-c 2 -r 8k', SENT],
  ['-f int32,int16', SENT],
]
for (const [args, expected] of lengths) {
  test(`${args}`, async (t) => {
    const { data, ...format } = await played(t, ...args.split(' '))
    t.deepEqual(format, { tag: 1, channels: 2, rate: RATE, bits: 16 })
    same(t, data, expected)
  })
}

const channels: [string, number, Int16Array][] = [
  ['-m 2,1', 2, mapped((left, right) => [right, left])],
  ['-m 1,1', 2, mapped((left) => [left, left])],
  ['-m 1:2', 2, mapped((left) => [0, left])],
  ['-m 0,2', 2, mapped((_, right) => [0, right])],
  ['-m 2', 2, mapped((_, right) => [right, 0])],
  ['-m 2,1 2:2', 2, mapped((left) => [0, left])],
  ['-m 1,1 -m ^', 2, mapped((left) => [left, left])],
  ['-m null --map=2:1', 2, mapped((_, right) => [right, 0])],
  ['-c 2,1', 1, mapped((left) => [left])],
  ['-c ^,3', 3, mapped((left, right) => [left, right, 0])],
  ['-c 2,4 -m 1:3,2:4', 4, mapped((left, right) => [0, 0, left, right])],
]
for (const [args, count, expected] of channels) {
  test(`${args}`, async (t) => {
    const recorded = await played(t, ...args.split(' '))
    t.is(recorded.channels, count)
    same(t, recorded.data, expected)
  })
}

const scaled = (factor: number): Float64Array => Float64Array.from(SENT, (sample) => sample * factor)
const encodings: [string, number, ArrayBufferView][] = [
  ['-f int32', 1, Int32Array.from(scaled(65_536))],
  ['-f float32', 3, Float32Array.from(scaled(1 / 32_768))],
  ['-f ^,int32', 1, Int32Array.from(scaled(65_536))],
  ['-e pcm_32', 1, Int32Array.from(scaled(65_536))],
  ['-e ^,FLOAT', 3, Float32Array.from(scaled(1 / 32_768))],
  ['-e double', 3, scaled(1 / 32_768)],
  ['-e pcm_24', 1, Uint8Array.from([...SENT].flatMap((sample) => [0, sample & 255, sample >> 8]))],
  ['--endian little', 1, SENT],
  ['--endian file', 1, SENT],
  ['--endian big', 1, Buffer.from(wav(SENT).subarray(44)).swap16()],
]
for (const [args, tag, expected] of encodings) {
  test(`${args}`, async (t) => {
    const recorded = await played(t, ...args.split(' '))
    t.is(recorded.tag, tag)
    t.is(recorded.bits, (expected.byteLength / SENT.length) * 8)
    same(t, recorded.data, expected)
  })
}

test('-t, -e and --endian of both sides', async (t) => {
  const path = await folder(t)
  const run = async (...args: string[]): Promise<void> => {
    const { status, stderr } = await pastream(t, path(''), [...FREE, '-q', ...args])
    t.is(status, 0, stderr)
  }
  const little = Buffer.from(new Uint8Array(SENT.buffer))
  const big = Buffer.from(little).swap16()
  writeFileSync(path('in.wav'), wav(SENT))
  await run('--endian', 'big', 'in.wav', 'big.wav')
  t.is(readFileSync(path('big.wav')).toString('latin1', 0, 4), 'RIFX')
  await run('-t', 'WAV,Au', 'big.wav', 'a.dat')
  t.is(readFileSync(path('a.dat')).toString('latin1', 0, 4), '.snd')
  same(t, readFileSync(path('a.dat')).subarray(24), big)
  await run('--endian', '^,little', 'a.dat', 'b.au')
  t.is(readFileSync(path('b.au')).toString('latin1', 0, 4), 'dns.')
  same(t, readFileSync(path('b.au')).subarray(24), little)
  await run('--file_type', '^,raw', '--endian', 'big', 'b.au', 'c')
  same(t, readFileSync(path('c')), big)
  await run('-t', 'raw,wav', '-c', '2', '-r', '8k', '-e', 'pcm_16', '--endian', 'big,little', 'c', 'd')
  same(t, readWav(path('d')).data, little)
  await run('-t', 'raw', '-c', '2', '-r', '8k', '-e', 'pcm_16,pcm_32', '--endian', 'big,big', 'c', 'e.pcm')
  same(t, readFileSync(path('e.pcm')), Buffer.from(Int32Array.from(scaled(65_536)).buffer).swap32())
  await run('--endian', 'little', 'in.wav', 'f.aif')
  t.is(readFileSync(path('f.aif')).toString('latin1', 8, 12), 'AIFC')
  await run('-t', '^,rf64', '-e', '^,pcm_24', 'f.aif', 'g')
  t.is(readFileSync(path('g')).toString('latin1', 0, 4), 'RF64')
  await run('-e', '^,ulaw', 'g', 'h.caf')
  await run('-e', '^,alaw', 'h.caf', 'i.w64')
  t.is(readFileSync(path('i.w64')).toString('latin1', 0, 4), 'riff')
  await run('g', 'j.wav')
  same(t, readWav(path('j.wav')).data, Uint8Array.from([...SENT].flatMap((sample) => [0, sample & 255, sample >> 8])))
})

for (const none of ['null', 'NULL', '^', '']) {
  test(`record only, with '${none}' for the input`, async (t) => {
    const path = await folder(t)
    const recording = [none, 'out.wav', '-d', '1', '-c', '3', '-r', '44.1k', '-f', 'int16']
    const { status, stderr } = await pastream(t, path(''), [...FREE, ...recording])
    t.is(status, 0)
    t.true(stderr.startsWith('<- null\n'))
    const { data, ...format } = readWav(path('out.wav'))
    t.deepEqual(format, { tag: 1, channels: 3, rate: 44_100, bits: 16 })
    same(t, data, Buffer.alloc(3 * 44_100 * 2))
  })

  test(`play only, with '${none}' for the output`, async (t) => {
    const path = await folder(t)
    writeFileSync(path('in.wav'), wav(SENT))
    const { status, stdout, stderr } = await pastream(t, path(''), [...FREE, 'in.wav', none])
    t.is(status, 0)
    t.is(stdout.length, 0)
    t.regex(stderr, /\n-> null\n[^]*\nframes processed: 1000\n/)
  })
}

test('what only records is of the device: 48 kHz, 2 channels, float; -o leaves out its start', async (t) => {
  const path = await folder(t)
  const { status } = await pastream(t, path(''), ['-D', 'null', 'null', 'out.wav', '-d', '.1', '-o', '100s'])
  t.is(status, 0)
  const { data, ...format } = readWav(path('out.wav'))
  t.deepEqual(format, { tag: 3, channels: 2, rate: 48_000, bits: 32 })
  same(t, data, Buffer.alloc(4700 * 2 * 4))
})

test('an empty input is an empty recording', async (t) => {
  const path = await folder(t)
  writeFileSync(path('in.wav'), wav(new Int16Array()))
  t.is((await pastream(t, path(''), [...FREE, 'in.wav', 'out.wav'])).status, 0)
  t.is(readWav(path('out.wav')).data.length, 0)
})

test('one device of a pair that is the same for both, or of the only side', async (t) => {
  const path = await folder(t)
  writeFileSync(path('in.wav'), wav(SENT))
  for (const args of [
    ['-D', 'virtual:clock=free,virtual:clock=free', 'in.wav', 'out.wav'],
    ['-D', 'null', '-D', 'virtual:clock=free', '-d', '9s', 'null', 'out.wav'],
    ['-D', 'virtual:clock=free,null', 'in.wav'],
    ['-D', 'Virtual Dev', '-d', '9s', 'in.wav'],
  ]) {
    const { status, stderr } = await pastream(t, path(''), args)
    t.is(status, 0, stderr)
    t.regex(stderr, /\n-- virtual/)
  }
})

test('-l, --version and -h write to stdout, and play nothing', async (t) => {
  const path = await folder(t)
  writeFileSync(path('in.wav'), wav(SENT))
  const told = async (...args: string[]): Promise<string> => {
    const { status, stdout, stderr }: Result = await pastream(t, path(''), [...args, 'in.wav', 'out.wav'])
    t.is(status, 0)
    t.is(stderr, '')
    return stdout.toString()
  }
  const list = await told('-l')
  t.regex(list, /^ *# +DEVICE +HOST +IN +OUT +RATE +NAME\n/)
  t.regex(list, /^ *\d+ +virtual +virtual +256 +256 +48000 +Virtual device$/m)
  t.regex(list, /^ *\d+ +null +null +256 +256 +48000 +Null device$/m)
  t.is(await told('--list'), list)
  const all = JSON.parse(await told('-l', '--json'))
  t.like(
    all.devices.find(({ id }: { id: string }) => id === 'virtual'),
    {
      name: 'Virtual device',
      host: 'virtual',
      maxInputChannels: 256,
      defaultSampleRate: 48_000,
      sampleRates: [{ min: 1, max: 768_000 }],
      defaultHighOutputLatency: 0,
      isDefaultOutput: false,
    },
  )
  t.true(all.hosts.some(({ name, available }: { name: string; available: boolean }) => name === 'null' && available))
  const one = await told('-l', '--host', 'NULL')
  t.regex(one, /^#  DEVICE.*\n\d+  null +null.*\n$/)
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
  t.is(await told('--version'), `pastream-rs ${version}\n`)
  const help = await told('-h')
  t.regex(help, /^Usage: pastream-rs \[options\] input\|NULL \[output\|NULL\]\n/)
  t.true((await told('-q', '--help')).length > 2 * help.length)
  t.false(existsSync(path('out.wav')))
})
