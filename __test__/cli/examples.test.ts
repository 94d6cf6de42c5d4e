import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { delimiter } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { folder, same } from '../support.ts'
import { asSox, COMMAND, needing, pastream, ramp, RATE, readWav, tool, wav } from './support.ts'

/** A folder where a shell knows `pastream-rs`; `run` runs a line and fails unless that exits with 0. */
async function shell(t: ExecutionContext): Promise<[path: (name: string) => string, run: (line: string) => Buffer]> {
  const path = await folder(t)
  writeFileSync(path('pastream-rs'), `#!/bin/sh\nexec '${process.execPath}' '${COMMAND}' "$@"\n`, { mode: 0o755 })
  const env = { ...process.env, PATH: path('') + delimiter + process.env['PATH'] }
  const run = (line: string): Buffer => {
    const { status, stdout, stderr } = spawnSync('sh', ['-c', line], { cwd: path(''), env, maxBuffer: 1 << 28 })
    t.is(status, 0, `${line}: ${stderr.toString()}`)
    return stdout
  }
  return [path, run]
}

// The examples that pastream's own page has, in their order, on the virtual device.
test('pastream -h and -l', async (t) => {
  const [, run] = await shell(t)
  t.regex(run('pastream-rs -h').toString(), /^Usage: pastream-rs/)
  t.regex(run('pastream-rs -l').toString(), /^ *\d+ +virtual .*Virtual device$/m)
})

test('pastream input.wav output.wav', async (t) => {
  const [path, run] = await shell(t)
  writeFileSync(path('input.wav'), wav(ramp(RATE)))
  run('pastream-rs -D virtual:clock=free input.wav output.wav')
  same(t, readWav(path('output.wav')).data, ramp(RATE))
})

needing(['sox'], 'sox -n -t au - synth sine 440 | pastream - output.wav', async (t) => {
  const [path, run] = await shell(t)
  // sox's tone has no end: -d ends it, as ctrl-C does on the page.
  run('sox -n -t au - synth sine 440 | pastream-rs -D virtual:clock=free -d 2 - output.wav')
  run('sox -n -t au tone.au synth 2 sine 440')
  same(t, asSox(path(''), 'output.wav'), asSox(path(''), 'tone.au'))
})

test('pastream -c1 -r48k -e=pcm_16 output.raw', async (t) => {
  const [path, run] = await shell(t)
  writeFileSync(path('output.raw'), Buffer.from(ramp(4800, 1).buffer))
  run('pastream-rs -D virtual:clock=free -c1 -r48k -e=pcm_16 output.raw 2> told')
  t.regex(
    readFileSync(path('told'), 'utf8'),
    /^<- output\.raw: raw, pcm_16, 48000 Hz, 1 ch, 0\.10 s\n.*\n-> null\n[^]*\nframes processed: 4800\n/,
  )
})

test('pastream null output.wav -r48k -d10:00', async (t) => {
  const [path, run] = await shell(t)
  run('pastream-rs -D virtual:clock=free -c1 null output.wav -r48k -d10:00')
  const { data, rate } = readWav(path('output.wav'))
  t.is(rate, 48_000)
  t.is(data.length, 600 * 48_000 * 4)
})

test('the help’s own examples run, on the virtual device', async (t) => {
  const [path, run] = await shell(t)
  for (const name of ['speech', 'sweep', 'a']) writeFileSync(path(`${name}.wav`), wav(ramp(100)))
  writeFileSync(path('talk.raw'), Buffer.from(ramp(100, 1).buffer))
  const { EXAMPLES } = await import('../../cli/help.ts')
  for (const [line] of EXAMPLES) {
    if (line.startsWith('sox') && spawnSync('sox', ['--version']).error) continue
    run(line.replace('-D virtual ', '').replace('pastream-rs', 'pastream-rs -D virtual:clock=free'))
  }
  t.is(readWav(path('room.wav')).data.length, 4 * (100 + RATE))
})

test('every line of README.md for a shell runs, on the virtual device', async (t) => {
  const [path, run] = await shell(t)
  for (const name of ['speech', 'sweep', 'in']) writeFileSync(path(`${name}.wav`), wav(ramp(100)))
  writeFileSync(path('take.pcm'), Buffer.from(ramp(100, 1).buffer))
  const blocks = readFileSync('README.md', 'utf8').matchAll(/^```sh\n([^]*?)^```$/gm)
  const lines = [...blocks].flatMap(([, block = '']) => block.trimEnd().split('\n'))
  const others = lines.filter((line) => !line.includes('pastream-rs '))
  // Of a clone: what they do is what CI begins with, and this test is part of one.
  t.deepEqual(
    others.map((line) => line.replace(/ +#.*/, '')),
    ['npm start', 'npm test'],
  )
  t.true(lines.length > others.length)
  for (const line of lines.filter((line) => !others.includes(line))) {
    if (line.startsWith('sox') && spawnSync('sox', ['--version']).error) continue
    run(line.replace('-D virtual ', '-D virtual:clock=free '))
  }
  same(t, readWav(path('take.wav')).data, ramp(100, 1))
})

test('1.5 s, however they are written, are 72,000 frames', async (t) => {
  const path = await folder(t)
  for (const duration of ['1.5', '0:00:01.5', '72000s', '0:01+0.5', '72ks', '2-24000s']) {
    const args = ['-q', '-D', 'virtual:clock=free', '-c1', '-r48k', '-f', 'int16', '-d', duration, 'null', 'out.wav']
    t.deepEqual(await pastream(t, path(''), args), { status: 0, stdout: Buffer.alloc(0), stderr: '' })
    t.is(readWav(path('out.wav')).data.length, 2 * 72_000, duration)
  }
})

for (const told of ['', '--json', '--meter', '--json --meter']) {
  test(`- - < in.au > out.au passes audio bit for bit, and nothing else: ${told}`, async (t) => {
    const [path, run] = await shell(t)
    const samples = Buffer.from(ramp(RATE / 2).buffer).swap16()
    const header = Buffer.alloc(24)
    for (const [at, word] of [0x2e73_6e64, 24, 0xffff_ffff, 3, RATE, 2].entries()) header.writeUInt32BE(word, 4 * at)
    writeFileSync(path('in.au'), Buffer.concat([header, samples]))
    // Behind a pipe, and from and to a file.
    run(`cat in.au | pastream-rs ${told} -D virtual - - 2> told | cat > pipe.au`)
    run(`pastream-rs ${told} -D virtual - - < in.au > out.au`)
    for (const name of ['pipe.au', 'out.au']) {
      const got = readFileSync(path(name))
      t.is(got.readUInt32BE(4), 24)
      same(t, got.subarray(24), samples)
      t.deepEqual(got.subarray(12, 24), header.subarray(12))
    }
    t.true(readFileSync(path('told'), 'utf8').length > 0)
  })
}

test('an input that ends is its end, @file holds arguments', async (t) => {
  const [path, run] = await shell(t)
  writeFileSync(path('in.wav'), wav(ramp(100)))
  writeFileSync(path('options'), "# as loud as it is\n-D 'virtual:clock=free' -m 2,1")
  run('pastream-rs @options - "a file.wav" < in.wav')
  same(
    t,
    readWav(path('a file.wav')).data,
    Int16Array.from(ramp(100), (_, index) => ramp(100)[index ^ 1] ?? 0),
  )
  t.is(tool(path(''), 'sh', '-c', 'cat options | wc -l').toString().trim(), '1')
})
