import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import test from 'ava'
import { completions } from '../../cli/completions.ts'
import { flags, SHELLS, type Flag, type FlagName } from '../../cli/flags.ts'
import { help, usage } from '../../cli/help.ts'
import { manual, markdown } from '../../cli/pages.ts'
import { folder } from '../support.ts'
import { FREE, needing, pastream, ramp, tool, wav } from './support.ts'

// A sound server that runs here is none of these tests'.
Object.assign(process.env, {
  PULSE_SERVER: 'unix:/nowhere',
  JACK_DEFAULT_SERVER: 'nowhere',
  ALSA_CONFIG_PATH: '/dev/null',
})

/** Arguments, the exit status, and the first line on stderr. */
type Case = readonly [args: string, status: number, line: string]

const HELP = '; try pastream-rs -h'
const PLAYED = '<- in.wav: wav, pcm_16, 8000 Hz, 2 ch, 0.13 s'
const RECORDED = '<- null'
const OTHERWISE = ''

const ok = (...values: string[]): Case[] => values.map((args) => [args, 0, PLAYED])
const recorded = (...values: string[]): Case[] => values.map((args) => [args, 0, RECORDED])
const printed = (...values: string[]): Case[] => values.map((args) => [args, 0, OTHERWISE])
/** Wrong usage, of which the message follows the option and its value. */
const wrong = (message: string, ...values: string[]): Case[] =>
  values.map((args) => {
    const [name = '', ...rest] = args.split(' ')
    return [args, 2, `pastream-rs: ${name} '${rest.join(' ')}': ${message}${HELP}`]
  })
const failed = (args: string, message: string): Case => [args, 1, `pastream-rs: ${message}`]
const misused = (args: string, message: string): Case => [args, 2, `pastream-rs: ${message}${HELP}`]
const bare = (value: string, ...names: string[]): Case[] =>
  names.map((name) => misused(`in.wav out.wav ${name}`, `${name}: needs a value, ${value}`))
const noValue = (name: string): Case => misused(`${name}=1`, `${name} '1': takes no value`)

const PAIR = '; one for both sides or playback,record, where null or ^ keeps the default'
const TIME =
  'a time is [[hours:]minutes:]seconds[.fraction], or samples with an s: 1:30, 0.5, 48000s, 1ks; or a sum or difference, 0:12+10s'
const RATE = 'a rate in Hz is a whole number from 1 to 768000, such as 44100, 48k or 64K'
const BLOCK = 'a block size in frames is a whole number from 0 to 16777216, such as 44100, 48k or 64K'
const BUFFER = 'a buffer size in frames is a whole number from 1 to 1073741824, such as 44100, 48k or 64K'
const CHANNELS = `channels are a whole number from 1 to 256${PAIR}`
const DECIBELS = 'a gain is in dB, from -200 to 200, such as -6 or +1.5'
const SEED = 'a seed is a whole number from 0 to 9007199254740991, such as 44100, 48k or 64K'
const TAG =
  'a tag is NAME=VALUE, with a NAME of title, artist, album, date, comment, track, description, originator, timeReference, which is a whole number of frames'
const MAP = 'a map is CHIN[:CHOUT][,...], channels from 1 to 256 (CHIN 0: silence), each CHOUT once'
const NO_CARD =
  'the devices here are virtual (Virtual device), null (Null device). Without a sound card, use the device `virtual` (`-D virtual`)'

/** Every option with valid, boundary and invalid values. */
const cases: Readonly<Record<FlagName, readonly Case[]>> = {
  device: [
    ...ok('-D virtual:clock=free', '--device=Virtual:clock=free', '-D virtual:clock=free,virtual:clock=free'),
    failed('-D vitrual', `no device that plays is called \`vitrual\`; ${NO_CARD}; did you mean virtual?`),
    failed(
      '-D device',
      '`device` could be virtual (Virtual device), null (Null device): use an id, or more of the name',
    ),
    ['-D virtual:clock=free:rate=44100', 0, `${PLAYED}, resampled to 44100 Hz (best)`],
    failed(
      '--resample off -D virtual:clock=free:rate=44100',
      'device `virtual:clock=free:rate=44100` takes 44100 Hz alone, not 8000',
    ),
    // No host is there but these two.
    ...recorded('-D 0 -d 1s null', '-D 0,1 -d 1s null', '-D 1 -D 0 -d 1s null', '--host null -D 1 -d 1s null'),
    failed('-D virtual,2', `there is no device 2: there are 2, counted from 0; ${NO_CARD}`),
    failed('-D 2', `there is no device 2: there are 2, counted from 0; ${NO_CARD}`),
    misused('-D virtual -D virtual -D virtual', '-D: given more than twice; one for each side is allowed'),
    ...bare('X[,X]', '-D', '--device'),
  ],
  host: [
    ...ok('--host virtual -D virtual:clock=free', '--host=VIRTUAL -D virtual:clock=free'),
    failed(
      '--host null -D 0',
      'device 0 is virtual, of the host `virtual`; the devices here are null (Null device). Without a sound card, use the device `virtual` (`-D virtual`)',
    ),
    misused('--host null -D virtual', '-D virtual is no device of --host null: leave out one of them'),
    ...wrong('one of alsa, jack, pulse, wasapi, coreaudio, virtual, null', '--host oss'),
    ...bare('NAME', '--host'),
  ],
  latency: [
    ...ok('--latency low', '--latency=HIGH', '--latency 0', '--latency .02'),
    ...wrong('low, high, or seconds such as 0.02', '--latency -1', '--latency fast', '--latency 1e3'),
    ...bare('L', '--latency'),
  ],
  blocksize: [
    ...ok('-b 0', '-b 1', '--blocksize=1K'),
    failed('-b 16M', 'device `virtual:clock=free` has blocks of 1 to 65536 frames, not of 16777216'),
    ...wrong(BLOCK, '-b -1', '-b 1.5', '-b 17m', '-b x'),
    ...bare('N', '-b', '--blocksize'),
  ],
  rate: [
    ...ok('-r 8000', '-r8k', '--rate=0.008m'),
    ...recorded('-d 1s -r 1 null', '-d 1s -r 768k null'),
    ...wrong(RATE, '-r 0', '-r -8k', '-r 769k', '-r 8000.5', '-r NaN'),
    ...bare('R', '-r', '--rate'),
  ],
  channels: [
    ...ok('-c 2', '-c ^,1', '--channels=2,256', '-c null,2', '-c 2,'),
    ...recorded('-d 1s -c 1 null', '-d 1s -c ,256 null'),
    ...wrong(CHANNELS, '-c 0', '-c 257', '-c 1,2,3', '-c -1', '-c x'),
    ...bare('N[,N]', '-c', '--channels'),
  ],
  format: [
    ...ok('-f float32', '-f int32,INT24', '-f ^,uint8', '--format=int16'),
    ...wrong(`one of float32, int32, int24, int16, int8, uint8${PAIR}`, '-f int17', '-f int16,', '-f a,b,c').filter(
      ([args]) => args !== '-f int16,',
    ),
    ...bare('F[,F]', '-f', '--format'),
  ],
  select: [
    ['-s 2,1', 0, PLAYED],
    ['-s 4,3', 0, `${PLAYED}, as 4 ch`],
    ['--channel-select=1', 0, `${PLAYED}, as 1 ch`],
    ...recorded('-d 1s -s 256 null'),
    misused('-s 1 -m 1', '-s and -m both tell which channels go where: leave out one of them'),
    ...wrong(
      'channels of a device are whole numbers from 1 to 256, each once, such as 3,4',
      '-s 0',
      '-s 1,1',
      '-s 257',
      '-s 1,',
    ),
    ...bare('C,C...', '-s', '--channel-select'),
  ],
  map: [
    ...ok('-m 1', '-m 2,1', '-m 1:2 2:1', '--map=0,2', '-m ^ -m 1,1', '-m NULL'),
    failed('-m 3', 'the map of the recording: there is no channel 3 to read, its channels are 1 to 2'),
    ...wrong(MAP, '-m 1:0', '-m 1:1,2:1', '-m 257', '-m left', '-m 1,,2'),
    misused('-m 1 -m 1 -m 1', '-m: given more than twice; one for each side is allowed'),
    ...bare('MAP', '-m', '--map'),
  ],
  resample: [
    ...ok('--resample auto', '--resample=OFF'),
    ['--resample auto -r 16k', 0, `${PLAYED}, resampled to 16000 Hz (best)`],
    ['-D virtual:clock=free:rate=48000:channels=1 -c 1', 0, `${PLAYED}, resampled to 48000 Hz (best), as 1 ch`],
    failed(
      '--resample off -r 16k',
      'in.wav has 8000 Hz, the stream 16000 Hz: open the stream with what the file has, or have it resampled',
    ),
    ...wrong('one of auto, off', '--resample on'),
    ...bare('R', '--resample'),
  ],
  quality: [
    ...ok('--quality best'),
    ['--quality=FAST -r 16k', 0, `${PLAYED}, resampled to 16000 Hz (fast)`],
    ['--quality good -r 16k', 0, `${PLAYED}, resampled to 16000 Hz (good)`],
    ...wrong('one of fast, good, best', '--quality high'),
    ...bare('Q', '--quality'),
  ],
  gain: [
    ...ok('--gain 0', '--gain=+0'),
    ['--gain -6', 0, `${PLAYED}, -6 dB`],
    ['--gain +.5', 0, `${PLAYED}, +0.5 dB`],
    ['--gain 200', 0, `${PLAYED}, +200 dB`],
    ...recorded('-d 1s --gain -200 null'),
    ...wrong(DECIBELS, '--gain 201', '--gain loud', '--gain 1e1'),
    ...bare('DB', '--gain'),
  ],
  duration: [
    ...ok(
      '-d 0',
      '-d 0.1',
      '-d .1',
      '-d 0:00:00.1',
      '-d 800s',
      '-d 0.8ks',
      '-d 0:00.05+400s',
      '-d 1-7200s',
      '--duration=-1',
      '-d -1s',
    ),
    ...wrong(TIME, '-d x', '-d 1:2:3:4', '-d 1k', '-d 1e3', '-d 1+', '-d NaN', '-d 99999999999999'),
    ...bare('T', '-d', '--duration'),
  ],
  offset: [
    ...ok('-o 0', '-o 0.125', '-o 1000s', '--offset=0.2-600s'),
    misused('-o 1001s', '-o is 1001 frames, but the recording ends after 1000: give a smaller -o'),
    misused('-o 1s-1', '-o is negative at 8000 Hz: give a time from 0 on'),
    ...wrong(`${TIME}; not negative`, '-o -1', '-o -1s', '-o 1-2', '-o x'),
    ...bare('T', '-o', '--offset'),
  ],
  pad: [
    ...ok('-p 0', '-p 100s', '-p.05', '--pad=0:00.1', '-d 0.2 -p', '-d 0.2 -p -1'),
    misused('--pad=x', `--pad 'x': ${TIME}${''}`),
  ],
  loop: [...ok('--loop -d 0.3'), noValue('--loop')],
  align: [...ok('--align', '-D virtual:clock=free:delay=9 --align'), noValue('--align')],
  type: [
    ...ok(
      '-t wav',
      '-t ^,au',
      '--file-type=WAV,Caf',
      '--file_type ^,raw',
      '-t ^,rf64',
      '-t ^,w64',
      '-t ^,aiff',
      '-t ^,flac',
    ),
    failed('-t au', 'in.wav: it is wav, not au as -t says: leave out -t'),
    ...wrong(
      `one of wav, rf64, w64, aiff, au, caf, raw, flac, mp3, ogg, m4a, mkv, adts${PAIR}`,
      '-t tiff',
      '-t wav,wav,wav',
    ),
    ...bare('T[,T]', '-t', '--file-type'),
  ],
  encoding: [
    ...ok('-e pcm_16', '-e ^,FLOAT', '--encoding=pcm_u8', '-e pcm_24', '-e pcm_32', '-e double', '-e ulaw', '-e alaw'),
    ...wrong(
      `one of pcm_s8, pcm_u8, pcm_16, pcm_24, pcm_32, float, double, ulaw, alaw${PAIR}`,
      '-e pcm_17',
      '-e float,float,float',
    ),
    ...bare('E[,E]', '-e', '--encoding'),
  ],
  endian: [
    ...ok('--endian file', '--endian ^,big', '--endian=little'),
    ...wrong(`one of file, big, little${PAIR}`, '--endian middle', '--endian big,big,big'),
    ...bare('E[,E]', '--endian'),
  ],
  dither: [
    ...ok('--dither', '--dither 0', '--dither=9007199254740991', '--dither 1 -e pcm_u8'),
    ...wrong(SEED, '--dither=-1').map(([, status]): Case => [
      '--dither=-1',
      status,
      `pastream-rs: --dither '-1': ${SEED}${HELP}`,
    ]),
  ],
  tag: [
    ...ok('--tag title=x', '--tag=ARTIST=a=b --tag comment= --tag timereference=1', '--tag title=a --tag title=b'),
    misused('--tag title=x in.wav', '--tag is of the output, and there is none: name one'),
    failed(
      '-t ^,raw --tag title=x',
      "raw can't hold the tag title: leave tags out, or use wav, rf64, aiff, au, caf or flac",
    ),
    ...wrong(TAG, '--tag titel=x', '--tag timeReference=-1', '--tag title', '--tag =x'),
    ...bare('NAME=VALUE', '--tag'),
  ],
  split: [
    misused('--split in.wav', '--split is of the output, and there is none: name one'),
    misused('--split in.wav -', '--split makes files, and - is none: name an output'),
    ...ok('--split', '--split 0.1', '--split 800s', '--split=1'),
    misused('--split=1s-1', `--split is not a frame long at 8000 Hz: give more`),
    misused('--split=0', `--split '0': ${TIME}; more than 0${''}`),
  ],
  preroll: [
    misused('--preroll 1 in.wav', '--preroll is of the output, and there is none: name one'),
    ...ok('--preroll 0.1', '--preroll=800s'),
    misused('--preroll 1s-1', '--preroll is not a frame long at 8000 Hz: give more'),
    ...wrong(`${TIME}; more than 0`, '--preroll 0', '--preroll -1', '--preroll x'),
    ...bare('T', '--preroll'),
  ],
  sync: [...ok('--sync'), noValue('--sync')],
  noClobber: [
    ...ok('--no-clobber', '--no_clobber'),
    failed(
      '--no-clobber in.wav old.wav',
      'old.wav is there already, and --no-clobber keeps it: name another output, or leave out --no-clobber',
    ),
    noValue('--no-clobber'),
  ],
  buffersize: [
    ...ok('--buffersize 1', '--buffersize=64K'),
    ...wrong(BUFFER, '--buffersize 0', '--buffersize -1', '--buffersize 1025M', '--buffersize x'),
    ...bare('N', '--buffersize'),
  ],
  underrun: [
    ...ok('--underrun silence', '--underrun=ABORT'),
    ...wrong('one of silence, abort', '--underrun gap'),
    ...bare('U', '--underrun'),
  ],
  overrun: [
    ...ok('--overrun gap', '--overrun=abort'),
    ...wrong('one of gap, abort', '--overrun silence'),
    ...bare('O', '--overrun'),
  ],
  fatalXruns: [...ok('--fatal-xruns'), ['-D virtual:fault=xrun@0 --fatal-xruns', 3, PLAYED], noValue('--fatal-xruns')],
  meter: [
    ...ok('--meter', '--meter on', '--meter=OFF'),
    ...wrong('one of on, off', '--meter=loud').map(([args, status]): Case => [
      args,
      status,
      `pastream-rs: --meter 'loud': one of on, off${HELP}`,
    ]),
  ],
  json: [noValue('--json'), ...printed('-l --json')],
  quiet: [...printed('-q', '--quiet'), noValue('--quiet')],
  list: [...printed('-l', '--list', '-l --host null'), noValue('--list')],
  repair: [failed('--repair', 'cannot open out.wav: No such file or directory: check the path'), noValue('--repair')],
  completions: [
    ...printed('--completions bash', '--completions=ZSH', '--completions fish'),
    ...wrong('one of bash, zsh, fish', '--completions sh'),
    ...bare('SHELL', '--completions'),
  ],
  version: [...printed('--version'), noValue('--version')],
  usage: [...printed('-h', '-qh')],
  help: [...printed('--help'), noValue('--help')],
}

for (const [flag, all] of Object.entries(cases)) {
  // One process after the other: there are many.
  test.serial(flag, async (t) => {
    const path = await folder(t)
    writeFileSync(path('in.wav'), wav(ramp(1000)))
    writeFileSync(path('old.wav'), 'old')
    mkdirSync(path('home'))
    for (const [args, status, line] of all) {
      const given = args.split(' ')
      const device = given.some((argument) => /^(-D|--device)/.test(argument)) ? [] : FREE
      const files = given.some((argument) => argument === 'in.wav')
        ? []
        : given.includes('null') && given.at(-1) === 'null'
          ? ['out.wav']
          : ['in.wav', 'out.wav']
      const before = given.includes('--no-clobber') || given.includes('--no_clobber')
      if (before && existsSync(path('out.wav'))) tool(path(''), 'rm', 'out.wav')
      const result = await pastream(t, path(''), [...device, ...given, ...files])
      t.is(result.stderr.split('\n')[0], line, args)
      t.is(result.status, status, args)
      t.notRegex(result.stderr, /^ +at /m, args)
    }
    t.is(readFileSync(path('old.wav'), 'utf8'), 'old')
  })
}

test('--help is as committed, fits 80 columns, and tells every option, as do -h, man page, docs and completions', (t) => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
  const page = manual(version)
  t.is(readFileSync('docs/cli.md', 'utf8'), markdown(), 'npm run build makes it anew')
  t.is(readFileSync('dist/pastream-rs.1', 'utf8'), page)
  const texts: [string, string][] = [
    ['help.txt', help()],
    ['usage.txt', usage()],
    ...SHELLS.map((shell): [string, string] => [`completions.${shell}`, completions(shell)]),
  ]
  for (const [name, text] of texts) {
    const file = `__test__/cli/snapshots/${name}`
    if (process.env['UPDATE']) writeFileSync(file, text)
    t.is(readFileSync(file, 'utf8'), text, 'UPDATE=1 npx ava __test__/cli/table.test.ts makes it anew')
  }
  for (const text of [help(), usage()]) for (const line of text.split('\n')) t.true(line.length <= 80, line)
  for (const { names, help: told } of Object.values<Flag>(flags)) {
    t.true(told.length > 0)
    for (const name of names) {
      const word = new RegExp(String.raw`(^|[^\w-])${name}($|[^\w-])`, 'm')
      for (const text of [
        help(),
        usage(),
        page.replaceAll(String.raw`\-`, '-'),
        markdown(),
        completions('bash'),
        completions('zsh'),
      ]) {
        t.regex(text, word)
      }
      t.regex(
        completions('fish'),
        name.startsWith('--') ? new RegExp(` -l ${name.slice(2)} `) : new RegExp(` -s ${name.slice(1)} `),
      )
    }
  }
})

needing(['bash'], 'bash completes options, values, devices and files', async (t) => {
  const path = await folder(t)
  writeFileSync(path('sweep.wav'), '')
  const complete = (...typed: string[]): string[] => {
    const script = `source '${process.cwd()}/__test__/cli/snapshots/completions.bash'
      pastream-rs() { '${process.execPath}' '${process.cwd()}/dist/cli.js' "$@"; }
      COMP_WORDS=(pastream-rs "$@") COMP_CWORD=$#
      _pastream_rs
      printf '%s\\n' "\${COMPREPLY[@]}"`
    return tool(path(''), 'bash', '-c', script, 'bash', ...typed)
      .toString()
      .trim()
      .split('\n')
  }
  t.deepEqual(complete('--f'), ['--format', '--file-type', '--fatal-xruns'])
  t.deepEqual(complete('-e', 'pcm_2'), ['pcm_24'])
  t.deepEqual(complete('--endian', '=', 'b'), ['big'])
  t.deepEqual(complete('--endian', '='), ['file', 'big', 'little'])
  t.deepEqual(complete('-D', 'virt'), ['virtual'])
  t.deepEqual(complete('-q', 'sw'), ['sweep.wav'])
})
for (const shell of ['zsh', 'fish'] as const) {
  needing([shell], `${shell} takes its completions`, (t) => {
    tool('.', shell, '-n', `__test__/cli/snapshots/completions.${shell}`)
    t.pass()
    return Promise.resolve()
  })
}
needing(['fish'], 'fish completes options and values', (t) => {
  const complete = (typed: string): string[] =>
    tool('.', 'fish', '-c', `source __test__/cli/snapshots/completions.fish; complete -C '${typed}'`)
      .toString()
      .trim()
      .split('\n')
      .map((line) => line.split('\t')[0] ?? '')
  t.deepEqual(complete('pastream-rs --f'), ['--fatal-xruns', '--file-type', '--format'])
  t.deepEqual(complete('pastream-rs -e pcm_2'), ['pcm_24'])
  return Promise.resolve()
})
