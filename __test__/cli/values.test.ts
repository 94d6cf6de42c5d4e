import test from 'ava'
import { pairOfDevices } from '../../cli/device.ts'
import { UsageError } from '../../cli/error.ts'
import { flags } from '../../cli/flags.ts'
import { parse } from '../../cli/parse.ts'
import { channels, choice, mapping, pair, positiveTime, size, time, toFrames } from '../../cli/values.ts'
import { help } from '../../cli/help.ts'

function frames(text: string): number | undefined {
  const read = time.parse(text)
  return read && toFrames(read.value, 48_000)
}

test('a time is a clock or a count of samples, with fractions everywhere', (t) => {
  const cases: [string, number | undefined][] = [
    ['1.5', 72_000],
    ['.5', 24_000],
    ['1:30', 4_320_000],
    ['1:00:00.5', 172_824_000],
    ['-1', -48_000],
    ['48000s', 48_000],
    ['1Ks', 1024],
    ['1ks', 1000],
    ['1.5ks', 1500],
    ['1ms', 1_000_000],
    ['0', 0],
    ['-1s', -1],
    ['', undefined],
    ['NaN', undefined],
    ['1e3', undefined],
    ['1:2:3:4', undefined],
    ['Infinity', undefined],
    ['s', undefined],
    ['.', undefined],
    ['1k', undefined],
    ['99999999999999', undefined],
  ]
  for (const [text, expected] of cases) t.is(frames(text), expected, text)
  t.is(positiveTime.parse('-1'), undefined)
})

test('a size is whole after its suffix', (t) => {
  const rate = size('a rate', 1, 768_000)
  for (const [text, expected] of [
    ['48k', 48_000],
    ['44.1k', 44_100],
    ['64K', 65_536],
    ['8000', 8000],
  ] as const) {
    t.is(rate.parse(text)?.value, expected, text)
  }
  for (const text of ['0', '-1', 'NaN', '1.5', '1m', '']) t.is(rate.parse(text), undefined, text)
})

test('a pair is one value for both sides or one each, with placeholders', (t) => {
  const kind = pair(channels)
  t.deepEqual(kind.parse('2')?.value, { playback: 2, recording: 2 })
  t.deepEqual(kind.parse('1,2')?.value, { playback: 1, recording: 2 })
  t.deepEqual(kind.parse('^,2')?.value, { playback: undefined, recording: 2 })
  t.deepEqual(kind.parse('1,')?.value, { playback: 1, recording: undefined })
  t.deepEqual(kind.parse('NULL')?.value, { playback: undefined, recording: undefined })
  for (const text of ['0', '1,0', '1,2,3', 'x', '257']) t.is(kind.parse(text), undefined, text)
  t.is(choice('wav', 'au').parse('WAV')?.value, 'wav')
})

test('a map names the source of each channel', (t) => {
  t.deepEqual(mapping.parse('2,1')?.value, [2, 1])
  t.deepEqual(mapping.parse('1:3')?.value, [0, 0, 1])
  t.deepEqual(mapping.parse('1:2,1:1')?.value, [1, 1])
  t.deepEqual(mapping.parse('^'), { value: undefined })
  for (const text of ['1:0', '1:1,2:1', 'a', '1:', '1:999', '1,,2']) t.is(mapping.parse(text), undefined, text)
})

test('options and files come in any order', (t) => {
  const { options, input, output } = parse([
    'in.raw',
    '-c1',
    '-r48k',
    '-e=pcm_16',
    '--file_type=raw',
    '-ql',
    '-d',
    '-1',
    'out.raw',
  ])
  t.deepEqual([input, output], ['in.raw', 'out.raw'])
  t.deepEqual(options, {
    channels: { playback: 1, recording: 1 },
    rate: 48_000,
    encoding: { playback: 'pcm_16', recording: 'pcm_16' },
    type: { playback: 'raw', recording: 'raw' },
    quiet: true,
    list: true,
    duration: { seconds: -1 },
  })
  t.deepEqual(parse(['--', '-q', '-']), { options: {}, input: '-q', output: '-' })
  t.deepEqual(parse(['', 'NULL']), { options: {}, input: undefined, output: undefined })
})

test('a flag takes no file for its value', (t) => {
  t.deepEqual(parse(['-p', 'a.wav']), { options: { pad: { frames: -1 } }, input: 'a.wav', output: undefined })
  t.deepEqual(parse(['-p', '1', 'a.wav']).options, { pad: { seconds: 1 } })
  t.deepEqual(parse(['-m', '2,1', 'a.wav']), { options: { map: [[2, 1]] }, input: 'a.wav', output: undefined })
  t.deepEqual(parse(['-m', '2,1', '1:2', 'a.wav']).options, {
    map: [
      [2, 1],
      [0, 1],
    ],
  })
  t.deepEqual(parse(['-m', '^', '-m', '2,1', 'a.wav']).options, { map: [undefined, [2, 1]] })
})

test('a wrong call names the flag, the value and what is allowed', (t) => {
  const cases: [string[], RegExp][] = [
    [['-c', '0', 'a'], /^-c '0': .*1 to 256/],
    [['-r0', 'a'], /^-r '0': .*1 to 768000/],
    [['-d', 'NaN', 'a'], /^-d 'NaN': a time/],
    [['--offset=-1', 'a'], /^--offset '-1': .*not negative/],
    [['-b', '-1', 'a'], /^-b '-1'/],
    [['--nope'], /^--nope: no such/],
    [['-d'], /^-d: needs a value/],
    [['--loop=1'], /^--loop '1': takes no value/],
    [['a', 'b', 'c'], /^'c': at most two/],
  ]
  for (const [argv, message] of cases) t.throws(() => parse(argv), { instanceOf: UsageError, message }, argv.join(' '))
})

test('a comma parts two devices, but not the id of one', (t) => {
  const cases: [string[], [string | undefined, string | undefined]][] = [
    [[], [undefined, undefined]],
    [['virtual'], ['virtual', 'virtual']],
    [['virtual,null'], ['virtual', 'null']],
    [['virtual:block=1..9:seed=2,NULL'], ['virtual:block=1..9:seed=2', 'NULL']],
    [['alsa:hw:CARD=PCH,DEV=0'], ['alsa:hw:CARD=PCH,DEV=0', 'alsa:hw:CARD=PCH,DEV=0']],
    [['alsa:hw:CARD=PCH,DEV=0,virtual'], ['alsa:hw:CARD=PCH,DEV=0', 'virtual']],
    [['listed,this way'], ['listed,this way', 'listed,this way']],
    [['usb mic,headphones'], ['usb mic', 'headphones']],
    [['^,virtual'], [undefined, 'virtual']],
    [
      ['alsa:hw:0,0', 'null,x'],
      ['alsa:hw:0,0', 'null,x'],
    ],
  ]
  for (const [given, expected] of cases) t.deepEqual(pairOfDevices(given, ['virtual', 'listed,this way']), expected)
})

test('a host restricts the choice', (t) => {
  const cases: [string[], [string, string]][] = [
    [[], ['jack', 'jack']],
    [['default'], ['jack', 'jack']],
    [['^,mic'], ['jack', 'mic jack']],
    [
      ['jack:system', 'usb mic'],
      ['jack:system', 'usb mic jack'],
    ],
    [['JACK'], ['JACK', 'JACK']],
  ]
  for (const [given, expected] of cases) t.deepEqual(pairOfDevices(given, [], 'jack'), expected)
  t.throws(() => pairOfDevices(['virtual'], [], 'jack'), {
    instanceOf: UsageError,
    message: /no device of --host jack/,
  })
})

test('the help fits a terminal, names every flag, and states the exit statuses', (t) => {
  const text = help()
  for (const line of text.split('\n')) t.true(line.length <= 80, line)
  for (const { names } of Object.values(flags)) t.true(text.includes(`  ${names.join(', ')}`))
  t.regex(text, /^Exit status: 0 done.*;\n1 failed; 2 wrong usage; 3 xruns under --fatal-xruns; 128\+n /m)
})
