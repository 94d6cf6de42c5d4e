import { writeFileSync } from 'node:fs'
import test from 'ava'
import { within } from '../../cli/device.ts'
import { UsageError } from '../../cli/error.ts'
import { parse as parseAll, type Command } from '../../cli/parse.ts'
import { channels, choice, mapping, pair, positiveTime, size, time, toFrames } from '../../cli/values.ts'
import { nearest, words } from '../../cli/words.ts'
import { folder } from '../support.ts'

function frames(text: string): number | undefined {
  const read = time.parse(text)
  return read && toFrames(read.value, 48_000)
}

/** What is played and recorded; the files as they were given are --repair's. */
function parse(argv: readonly string[]): Omit<Command, 'files'> {
  const { files: _, ...command } = parseAll(argv)
  return command
}

test('a time is a clock or a count of samples, with fractions everywhere', (t) => {
  const cases: [string, number | undefined][] = [
    ['1.5', 72_000],
    ['.5', 24_000],
    ['1:30', 4_320_000],
    ['1:00:00.5', 172_824_000],
    ['-1', -1],
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
    ['0:12+10s', 576_010],
    ['0:01+0.5', 72_000],
    ['1-24000s', 24_000],
    ['1:00-0:30+0.5-1ks', 1_463_000],
    ['10s-1', -1],
    ['+1', 48_000],
    ['-1+2', 48_000],
    ['1+', undefined],
    ['1++2', undefined],
    ['-', undefined],
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
    duration: { seconds: -1, frames: 0 },
  })
  t.deepEqual(parse(['--', '-q', '-']), { options: {}, input: '-q', output: '-' })
  t.deepEqual(parse(['', 'NULL']), { options: {}, input: undefined, output: undefined })
})

test('a flag takes no file for its value', (t) => {
  t.deepEqual(parse(['-p', 'a.wav']), {
    options: { pad: { seconds: -1, frames: 0 } },
    input: 'a.wav',
    output: undefined,
  })
  t.deepEqual(parse(['-p', '1', 'a.wav']).options, { pad: { seconds: 1, frames: 0 } })
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
    [['--lop'], /^--lop: no such option: did you mean --loop\?$/],
    [['--fatal'], /^--fatal: no such option: did you mean --fatal-xruns\?$/],
    [['-d'], /^-d: needs a value/],
    [['--loop=1'], /^--loop '1': takes no value/],
    [['a', 'b', 'c'], /^'c': at most two/],
  ]
  for (const [argv, message] of cases) t.throws(() => parse(argv), { instanceOf: UsageError, message }, argv.join(' '))
})

test('a host restricts the choice', (t) => {
  for (const [name, expected] of [
    ['', 'jack'],
    ['^', 'jack'],
    ['Default', 'jack'],
    ['usb mic', 'usb mic jack'],
    ['3', '3 jack'],
    ['jack:system', 'jack:system'],
    ['JACK', 'JACK'],
  ] as const) {
    t.is(within('jack', name), expected)
  }
  t.throws(() => within('jack', 'virtual'), { instanceOf: UsageError, message: /no device of --host jack/ })
})

test('a file of arguments is split as a shell does it', async (t) => {
  for (const [text, expected] of [
    ['', []],
    [' a  b\n\tc ', ['a', 'b', 'c']],
    ['a # b\nc#d', ['a', 'c#d']],
    [`'a b' "c d" e\\ f ''`, ['a b', 'c d', 'e f', '']],
    [String.raw`"a\"b\\c\d" 'e\f' g\'h`, [String.raw`a"b\c\d`, String.raw`e\f`, "g'h"]],
    ['a\\\nb', ['ab']],
    [`x'y'"z"`, ['xyz']],
    ["'a", undefined],
    ['"a', undefined],
  ] as const) {
    t.deepEqual(words(text), expected && [...expected], text)
  }
  const path = await folder(t)
  writeFileSync(path('inner'), "-c 2 # channels\n'a b.wav'")
  writeFileSync(path('outer'), `-d 1 @${path('inner')}`)
  writeFileSync(path('self'), `@${path('self')}`)
  writeFileSync(path('open'), '"')
  t.deepEqual(parse(['-q', `@${path('outer')}`, '--', '@out']), {
    options: { quiet: true, duration: { seconds: 1, frames: 0 }, channels: { playback: 2, recording: 2 } },
    input: 'a b.wav',
    output: '@out',
  })
  for (const [argument, message] of [
    [`@${path('self')}`, /self: files of arguments name one another without end$/],
    [`@${path('open')}`, /open: a quote in it is not closed$/],
    ['@nowhere', /^@nowhere: the file of arguments can't be read \(ENOENT\); an input of that name is \.\/@nowhere$/],
  ] as const) {
    t.throws(() => parse([argument]), { instanceOf: UsageError, message }, argument)
  }
  t.deepEqual(parse(['@']).input, '@')
})

test('what is misspelt finds the nearest', (t) => {
  const known = ['--loop', '--list', '--latency', 'virtual']
  t.deepEqual(nearest('--lop', known), ['--loop'])
  t.deepEqual(nearest('Vitrual', known), ['virtual'])
  t.deepEqual(nearest('--lat', known), ['--latency'])
  t.deepEqual(nearest('nobody', known), [])
})
