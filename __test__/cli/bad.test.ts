import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { folder, linux } from '../support.ts'
import { FREE, HEEDING, pastream, ramp, Running, wav, type Result } from './support.ts'

// A sound server that runs here is none of these tests'.
Object.assign(process.env, {
  PULSE_SERVER: 'unix:/nowhere',
  JACK_DEFAULT_SERVER: 'nowhere',
  ALSA_CONFIG_PATH: '/dev/null',
})

const OLD = 'what was there before'

/** A folder with files to misuse; `run` fails unless the outcome is one clear line and every file is as it was. */
async function misuse(t: ExecutionContext): Promise<(...args: string[]) => Promise<Result>> {
  const path = await folder(t)
  const good = wav(ramp(1000))
  const zeroChannels = Buffer.from(good)
  zeroChannels.writeUInt16LE(0, 22)
  const zeroRate = Buffer.from(good)
  zeroRate.writeUInt32LE(0, 24)
  const files: Record<string, string | Buffer> = {
    'in.wav': good,
    'old.wav': OLD,
    'empty.wav': '',
    'cut.wav': good.subarray(0, 30),
    'cut.au': '.snd\0\0\0\x18',
    'text.wav': 'This is no audio, whatever its name says.\n',
    'silent.wav': wav(new Int16Array()),
    'in.raw': good.subarray(44),
    'channels.wav': zeroChannels,
    'rate.wav': zeroRate,
  }
  for (const [name, content] of Object.entries(files)) writeFileSync(path(name), content)
  mkdirSync(path('folder.wav'))
  symlinkSync('in.wav', path('link.wav'))
  const before = readdirSync(path(''))
  return async (...args) => {
    const result = await pastream(t, path(''), args)
    t.is(result.stdout.length, 0)
    t.false(result.stderr.includes('    at '), result.stderr)
    t.deepEqual(readdirSync(path('')), before, args.join(' '))
    for (const [name, content] of Object.entries(files)) t.true(readFileSync(path(name)).equals(Buffer.from(content)))
    return result
  }
}

/** Arguments, and what they are told, which is all that is told. */
const failures: [string[], RegExp][] = [
  [['missing.wav'], /^cannot open missing\.wav: No such file or directory: check the path$/],
  [['empty.wav'], /^empty\.wav: it is empty: give a file that holds audio$/],
  [['cut.wav'], /^cut\.wav: it is cut off inside its header; make it again, or .*-t raw/],
  [['cut.au'], /^cut\.au: it is cut off inside its header; make it again, or .*-t raw/],
  [
    ['text.wav'],
    /^text\.wav: not an audio file .*\(it begins with `This is `\): WAV, RF64, W64, AIFF, AU, CAF, FLAC, MP3, Ogg, M4A, Matroska, AAC, or RAW with -t raw -c -r -e$/,
  ],
  [['channels.wav'], /^channels\.wav: its header says 0 channels \(1 to 256\); make it again/],
  [['rate.wav'], /^rate\.wav: its header says a rate of 0 Hz \(1 to 768000\); make it again/],
  [['folder.wav'], /^cannot read folder\.wav: it is a directory, not a file$/],
  [['in.raw'], /^in\.raw: raw has no header: give its channels \(-c\), sample rate \(-r\), encoding \(-e\)$/],
  [['-t', 'au', 'in.wav'], /^in\.wav: it is wav, not au as -t says: leave out -t$/],
  [['-m', '3', 'in.wav'], /^the map of the recording: there is no channel 3 to read, its channels are 1 to 2$/],
  [['-m', '^', '-m', '1:3', 'in.wav'], /^the map of the recording: there is no channel 3 to write, /],
  [['-m', '1:9', '-m', '^', 'in.wav'], /^the map of the playback: there is no channel 9 to write, /],
  [['-b', '100000', 'in.wav'], /^device `virtual:clock=free` has blocks of 1 to 65536 frames, not of 100000$/],
  [['-e', 'pcm_s8', 'in.wav'], /^wav can't hold pcm_s8: choose with -e one of pcm_u8, pcm_16, /],
  [['--loop', '-d', '1', 'silent.wav'], /^silent\.wav holds no frames to loop$/],
]
for (const [args, message] of failures) {
  test(`1: ${args.join(' ')}`, async (t) => {
    const run = await misuse(t)
    for (const output of ['new.wav', 'old.wav']) {
      const { status, stderr } = await run(...FREE, ...args, output)
      t.is(status, 1)
      t.regex(stderr, /^pastream-rs: .*\n$/)
      t.regex(stderr.slice('pastream-rs: '.length, -1), message)
    }
  })
}

const outputs: [string[], RegExp][] = [
  [['folder.wav'], /^pastream-rs: cannot write folder\.wav: it is a directory\n$/],
  [['.'], /^pastream-rs: \. is a directory: name a file in it\n$/],
  [['missing/new.wav'], /^pastream-rs: cannot write missing\/new\.wav: No such file or directory: check the path\n$/],
  [['in.wav/new.wav'], /^pastream-rs: cannot write in\.wav\/new\.wav: Not a directory: check the path\n$/],
  [['/proc/new.wav'], /^pastream-rs: cannot write \/proc\/new\.wav: .*\n$/],
  [
    ['new.tiff'],
    /^pastream-rs: new\.tiff: the name doesn't tell the kind of file: use \.wav, .*, or -t with wav, rf64, w64, aiff, au, caf, raw, flac\n$/,
  ],
  [
    ['-D', 'nobody', 'new.wav'],
    /^pastream-rs: no device that plays is called `nobody`; the devices here are .* use the device `virtual` \(`-D virtual`\)\n$/,
  ],
  [
    ['-D', 'default', 'new.wav'],
    /^pastream-rs: there is no real sound card here .* use the device `virtual` \(`-D virtual`\)\n$/,
  ],
  [
    ['-D', 'wasapi', 'new.wav'],
    /^pastream-rs: this build has no `wasapi` host; .* use the device `virtual` \(`-D virtual`\)\n$/,
  ],
  [
    ['-D', 'null,virtual:clock=free', 'new.wav'],
    /^pastream-rs: device `virtual:clock=free` runs free, .* use `clock=real`, or one virtual device for both .*\n$/,
  ],
  [['-D', 'virtual:speed=2', 'new.wav'], /^pastream-rs: virtual device: there is no key `speed`: use loop, .*\n$/],
  [['in.wav'], /^pastream-rs: cannot write in\.wav: it is open to be played or recorded, here or in another program; /],
  [['link.wav'], /^pastream-rs: cannot write link\.wav: it is open to be played or recorded, /],
  [
    ['folder.wav/../in.wav'],
    /^pastream-rs: cannot write folder\.wav\/\.\.\/in\.wav: it is open to be played or recorded, /,
  ],
  [
    ['-t', '^,wav', '/dev/full'],
    /\npastream-rs: cannot write \/dev\/full: No space left on device: make room, or write elsewhere; 0 frames of it are written\n$/,
  ],
]
for (const [args, message] of outputs) {
  test(`1: in.wav ${args.join(' ')}`, async (t) => {
    const run = await misuse(t)
    const { status, stderr } = await run(...(args[0] === '-D' ? [] : FREE), 'in.wav', ...args)
    t.is(status, 1)
    t.regex(stderr, message)
  })
}

linux('1: a folder that can not be written, and a file', async (t) => {
  const path = await folder(t)
  writeFileSync(path('in.wav'), wav(ramp(10)))
  mkdirSync(path('locked'), { mode: 0o500 })
  writeFileSync(path('old.wav'), 'old', { mode: 0o400 })
  for (const [args, name] of [
    [['locked/new.wav'], 'locked/new.wav'],
    [['--split', '1', 'locked/new.wav'], 'locked/new-0001.wav'],
    [['old.wav'], 'old.wav'],
  ] as const) {
    const { status, stderr } = await new Running(t, path(''), ['-q', ...FREE, 'in.wav', ...args], HEEDING).ended()
    t.is(status, 1)
    t.is(stderr, `pastream-rs: cannot write ${name}: Permission denied: choose another, or change its rights\n`)
  }
  t.deepEqual(readdirSync(path('locked')), [])
  t.is(readFileSync(path('old.wav'), 'utf8'), 'old')
})

const usages: [string[], RegExp][] = [
  [[], /^no file: give an input to play, or null and an output to record to; /],
  [['null'], /^no file: /],
  [['^', ''], /^no file: /],
  [['in.wav', 'new.wav', 'third.wav'], /^'third\.wav': at most two files are allowed, input and output; /],
  [['--nonsense', 'in.wav'], /^--nonsense: no such option; /],
  [['-z', 'in.wav'], /^-z: no such option; /],
  [['in.wav', '-d'], /^-d: needs a value, T; /],
  [['-c', '0', 'in.wav', 'new.wav'], /^-c '0': channels are a whole number from 1 to 256; /],
  [['-c', '257', 'in.wav', 'new.wav'], /^-c '257': /],
  [['-r', '0', 'in.wav', 'new.wav'], /^-r '0': a rate in Hz is a whole number from 1 to 768000, /],
  [['-r', 'NaN', 'in.wav', 'new.wav'], /^-r 'NaN': /],
  [['-b', '-1', 'in.wav', 'new.wav'], /^-b '-1': a block size in frames is a whole number from 0 to /],
  [['-b', 'NaN', 'in.wav', 'new.wav'], /^-b 'NaN': /],
  [
    ['--buffersize', '0', 'in.wav', 'new.wav'],
    /^--buffersize '0': a buffer size in frames is a whole number from 1 to /,
  ],
  [['--buffersize', '-64', 'in.wav', 'new.wav'], /^--buffersize '-64': /],
  [['--buffersize=NaN', 'in.wav', 'new.wav'], /^--buffersize 'NaN': /],
  [['-d', 'NaN', 'in.wav', 'new.wav'], /^-d 'NaN': a time is \[\[hours:\]minutes:\]seconds\[\.fraction\], /],
  [['-d', '1:2:3:4', 'in.wav', 'new.wav'], /^-d '1:2:3:4': a time is /],
  [['-o', '-1', 'in.wav', 'new.wav'], /^-o '-1': a time is .*; not negative; /],
  [['-d', '0.05', '-o', '0.06', 'in.wav', 'new.wav'], /^-o is 480 frames, but the recording ends after 400: /],
  [['-o', '1001s', 'in.wav', 'old.wav'], /^-o is 1001 frames, but the recording ends after 1000: /],
  [['-o', '1101s', '-p', '100s', 'in.wav', 'old.wav'], /^-o is 1101 frames, but the recording ends after 1100: /],
  [['-m', '1:0', 'in.wav', 'new.wav'], /^-m '1:0': a map is CHIN\[:CHOUT\]\[,\.\.\.\], channels from 1 to 256 /],
  [['-m', '1:1,2:1', 'in.wav', 'new.wav'], /^-m '1:1,2:1': .*, each CHOUT once; /],
  [['-m', 'left', 'in.wav', 'new.wav'], /^-m 'left': a map is /],
  [['-m', '1', '-m', '1', '-m', '1', 'in.wav', 'new.wav'], /^-m: given more than twice; /],
  [['-f', 'int17', 'in.wav', 'new.wav'], /^-f 'int17': one of float32, int32, int24, int16, int8, uint8; /],
  [
    ['-t', 'tiff', 'in.wav', 'new.wav'],
    /^-t 'tiff': one of wav, rf64, w64, aiff, au, caf, raw, flac, mp3, ogg, m4a, mkv, adts; /,
  ],
  [['-e', 'pcm_17', 'in.wav', 'new.wav'], /^-e 'pcm_17': one of pcm_s8, /],
  [['--endian', 'middle', 'in.wav', 'new.wav'], /^--endian 'middle': one of file, big, little; /],
  [['--loop=yes', 'in.wav', 'new.wav'], /^--loop 'yes': takes no value; /],
]
for (const [args, message] of usages) {
  test(`2: ${args.join(' ')}`, async (t) => {
    const run = await misuse(t)
    const { status, stderr } = await run(...FREE, ...args)
    t.is(status, 2)
    t.regex(stderr, /^pastream-rs: .*; try pastream-rs -h\n$/)
    t.regex(stderr.slice('pastream-rs: '.length), message)
  })
}

test('1: an input that ends before -d is told, and what came is recorded', async (t) => {
  const path = await folder(t)
  writeFileSync(path('in.wav'), wav(ramp(1000)))
  const { status, stderr } = await pastream(t, path(''), [...FREE, '-d', '1', 'in.wav', 'out.wav'])
  t.is(status, 1)
  t.regex(
    stderr,
    /\npastream-rs: the input ended after 1000 frames, before -d: give a smaller -d, or -p to fill up with silence\n$/,
  )
  t.true(
    readFileSync(path('out.wav'))
      .subarray(-4000)
      .equals(wav(ramp(1000)).subarray(44)),
  )
})

test('1: a pipe can not be looped', async (t) => {
  const path = await folder(t)
  const { status, stderr } = await pastream(t, path(''), [...FREE, '--loop', '-', 'out.wav'], wav(ramp(10)))
  t.is(status, 1)
  t.is(stderr, "pastream-rs: stdin can't be looped: it is a pipe, which can't be rewound\n")
  t.false(existsSync(path('out.wav')))
})

test('1: a device that goes away leaves what was recorded, and that is said', async (t) => {
  const path = await folder(t)
  writeFileSync(path('in.wav'), wav(ramp(1000)))
  const lost = ['-D', 'virtual:clock=free:fault=lost@0.1']
  const { status, stderr } = await pastream(t, path(''), [...lost, 'in.wav', 'out.wav'])
  t.is(status, 1)
  t.regex(
    stderr,
    /\npastream-rs: device virtual:\S* went away after 800 frames; what was recorded until then is complete\n$/,
  )
  t.true(
    readFileSync(path('out.wav'))
      .subarray(-3200)
      .equals(wav(ramp(800)).subarray(44)),
  )
})

test('3: an xrun under --fatal-xruns, and only there', async (t) => {
  const path = await folder(t)
  writeFileSync(path('in.wav'), wav(ramp(8000)))
  const args = ['-D', 'virtual:fault=xrun@0.1', 'in.wav', 'out.wav']
  const fatal = await pastream(t, path(''), ['--fatal-xruns', ...args])
  t.is(fatal.status, 3)
  t.regex(fatal.stderr, /\npastream-rs: ended by --fatal-xruns after 1 xruns: try a larger --blocksize\n$/)
  t.regex(fatal.stderr, /\nxruns: 0 input underflow, 1 input overflow, 1 output underflow, 0 output overflow\n/)
  const frames = Number(/frames processed: (\d+)/.exec(fatal.stderr)?.[1])
  t.true(frames < 8000)
  t.true(
    readFileSync(path('out.wav'))
      .subarray(-4 * frames)
      .equals(wav(ramp(frames)).subarray(44)),
  )
  t.is((await pastream(t, path(''), args)).status, 0)
})

test('2: an input that looks like an option', async (t) => {
  const path = await folder(t)
  writeFileSync(path('-x.wav'), wav(ramp(10)))
  const { status, stderr } = await pastream(t, path(''), [...FREE, '-x.wav'])
  t.is(status, 2)
  t.is(stderr, 'pastream-rs: -x: no such option; an input of that name is ./-x.wav; try pastream-rs -h\n')
  for (const args of [['./-x.wav'], ['--', '-x.wav']]) t.is((await pastream(t, path(''), [...FREE, ...args])).status, 0)
})

test('-q tells errors, and nothing else', async (t) => {
  const path = await folder(t)
  const { status, stderr } = await pastream(t, path(''), [...FREE, '-q', 'missing.wav', 'out.wav'])
  t.is(status, 1)
  t.is(stderr, 'pastream-rs: cannot open missing.wav: No such file or directory: check the path\n')
})
