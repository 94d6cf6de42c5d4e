import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { folder, same } from '../support.ts'
import { asSox, COMMAND, FREE, needing, pastream, ramp, RATE, readWav, tool, wav } from './support.ts'

needing(['espeak-ng', 'sox', 'python3'], 'speech of espeak-ng comes back as sox and Python read it', async (t) => {
  const cwd = (await folder(t))('')
  tool(cwd, 'espeak-ng', '-w', 'in.wav', 'Every frame comes back.')
  t.is((await pastream(t, cwd, [...FREE, 'in.wav', 'out.wav'])).status, 0)
  const sent = asSox(cwd, 'in.wav')
  t.true(sent.length > 10_000)
  same(t, asSox(cwd, 'out.wav'), sent)
  const read = `import sys, wave
for name in ('in.wav', 'out.wav'):
    with wave.open(name) as file:
        sys.stdout.buffer.write(repr(file.getparams()[:4]).encode() + file.readframes(file.getnframes()))`
  const both = tool(cwd, 'python3', '-c', read)
  same(t, both.subarray(0, both.length / 2), both.subarray(both.length / 2))
})

for (const [name, ...encoding] of [
  ['24 bits', '-b', '24'],
  ['float', '-e', 'float', '-b', '32'],
  ['32 bits', '-b', '32'],
  ['8 bits', '-b', '8'],
] as const) {
  needing(['sox'], `a stereo file of sox comes back bit for bit: ${name}`, async (t) => {
    const cwd = (await folder(t))('')
    tool(cwd, 'sox', '-n', '-r', '44100', '-c', '2', ...encoding, 'in.wav', 'synth', '0.5', 'sine', '440', 'pinknoise')
    t.is((await pastream(t, cwd, [...FREE, 'in.wav', 'out.wav'])).status, 0)
    const sent = asSox(cwd, 'in.wav')
    t.is(sent.length, (44_100 * Number(encoding.at(-1))) / 8)
    same(t, asSox(cwd, 'out.wav'), sent)
    t.is(tool(cwd, 'soxi', '-b', '-e', 'in.wav').toString(), tool(cwd, 'soxi', '-b', '-e', 'out.wav').toString())
  })
}

needing(['sox'], 'an AU pipe of unknown length comes back bit for bit', async (t) => {
  const cwd = (await folder(t))('')
  const piped = tool(cwd, 'sox', '-n', '-t', 'au', '-', 'synth', '3', 'sine', '440')
  t.is(piped.readUInt32BE(8), 0xffff_ffff)
  t.is((await pastream(t, cwd, [...FREE, '-', 'out.wav'], piped)).status, 0)
  writeFileSync(join(cwd, 'in.au'), piped)
  const sent = asSox(cwd, 'in.au')
  t.is(sent.length, 3 * 48_000 * 4)
  same(t, asSox(cwd, 'out.wav'), sent)
})

needing(['sox'], 'a RAW file comes back bit for bit', async (t) => {
  const cwd = (await folder(t))('')
  const raw = ['-c1', '-r48k', '-e', 'pcm_16', '-t', 'raw']
  tool(cwd, 'sox', '-n', '-r', '48000', '-c', '1', '-b', '16', '-L', 'in.raw', 'synth', '1', 'sine', '440')
  t.is((await pastream(t, cwd, [...FREE, ...raw, 'in.raw', 'out.raw'])).status, 0)
  const sent = readFileSync(join(cwd, 'in.raw'))
  t.is(sent.length, 96_000)
  same(t, readFileSync(join(cwd, 'out.raw')), sent)
  // By its name alone, too, and into another container.
  t.is((await pastream(t, cwd, [...FREE, ...raw.slice(0, 4), 'in.raw', 'out.wav'])).status, 0)
  same(t, asSox(cwd, 'out.wav'), sent)
})

test('from stdin to stdout, with nothing but audio on stdout', async (t) => {
  const cwd = (await folder(t))('')
  const sent = ramp(3 * RATE)
  const { status, stdout, stderr } = await pastream(t, cwd, [...FREE, '-', '-'], wav(sent))
  t.is(status, 0)
  t.regex(stderr, /^<- stdin: wav, pcm_16, 8000 Hz, 2 ch, 3\.00 s\n-- virtual:clock=free: .*\n-> stdout\n/)
  t.is(stdout.toString('latin1', 0, 4), '.snd')
  t.is(stdout.readUInt32BE(8), 0xffff_ffff)
  same(t, Buffer.from(stdout.subarray(24)).swap16(), sent)
  // What came out goes in again.
  const again = await pastream(t, cwd, [...FREE, '-t', 'au,raw', '-', '-'], stdout)
  same(t, again.stdout, sent)
})

test('from file to file, which is what is told', async (t) => {
  const path = await folder(t)
  const sent = ramp(2 * RATE)
  writeFileSync(path('in.wav'), wav(sent))
  const { status, stdout, stderr } = await pastream(t, path(''), [...FREE, 'in.wav', 'out.wav'])
  t.is(status, 0)
  t.is(stdout.length, 0)
  t.deepEqual(stderr.split('\n'), [
    '<- in.wav: wav, pcm_16, 8000 Hz, 2 ch, 2.00 s',
    '-- virtual:clock=free: int16, 8000 Hz, 2 ch',
    '-> out.wav',
    'duration: 00:00:02.00',
    'frames processed: 16000',
    'xruns: 0 input underflow, 0 input overflow, 0 output underflow, 0 output overflow',
    'gaps: 0 in the playback (0 frames), 0 in the recording (0 frames)',
    'level of the playback: peak 0.0 0.0, RMS -4.8 -4.8 dBFS',
    'level of the recording: peak 0.0 0.0, RMS -4.8 -4.8 dBFS',
    'written: out.wav (16000 frames, 64080 bytes)',
    '',
  ])
  const { data, ...format } = readWav(path('out.wav'))
  t.deepEqual(format, { tag: 1, channels: 2, rate: RATE, bits: 16 })
  same(t, data, sent)
})

test('a file behind stdin or stdout is a file, not a pipe', async (t) => {
  const path = await folder(t)
  const sent = ramp(RATE)
  writeFileSync(path('in.wav'), wav(sent))
  const shell = (redirected: string): void => {
    const [device] = FREE.slice(1)
    const command = `exec "$0" "$1" -q -D ${device} -t ^,wav ${redirected}`
    tool(path(''), 'sh', '-c', command, process.execPath, COMMAND)
  }
  // It can be sought, and its header be corrected.
  shell('--loop -d 2 - - < in.wav > out.wav')
  same(t, readWav(path('out.wav')).data, Int16Array.from([...sent, ...sent]))
  // What is appended to can't be corrected, and what was there stays.
  writeFileSync(path('all.wav'), 'before')
  shell('- - < in.wav >> all.wav')
  const all = readFileSync(path('all.wav'))
  t.is(all.toString('latin1', 0, 10), 'beforeRIFF')
  same(t, all.subarray(-sent.byteLength), sent)
})

test('a file that is cut off is played to its end, and that is told', async (t) => {
  const path = await folder(t)
  const sent = ramp(RATE)
  const cut = wav(sent).subarray(0, 44 + 4 * 5000)
  writeFileSync(path('in.wav'), cut)
  const file = await pastream(t, path(''), [...FREE, 'in.wav', 'file.wav'])
  t.is(file.status, 0)
  t.regex(file.stderr, /^<- in\.wav: wav, .*, 0\.63 s, cut off: 3000 frames of its header are missing\n/)
  const pipe = await pastream(t, path(''), [...FREE, '-q', '-', 'pipe.wav'], cut)
  t.is(pipe.status, 0)
  t.is(pipe.stderr, 'pastream-rs: stdin is cut off: it ended after 5000 of 8000 frames\n')
  for (const name of ['file.wav', 'pipe.wav']) same(t, readWav(path(name)).data, sent.subarray(0, 10_000))
})
