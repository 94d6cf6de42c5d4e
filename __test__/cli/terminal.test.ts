import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import test from 'ava'
import { folder } from '../support.ts'
import { COMMAND, needing, pastream, ramp, RATE, wav } from './support.ts'

const LINE = /00:00:0\d\.\d\d \(0 xruns, \d+\.\d% load\)/g

needing(['script'], 'on a terminal the status line is drawn over itself, and notes above it', async (t) => {
  const path = await folder(t)
  writeFileSync(path('in.wav'), wav(ramp(RATE)))
  const command = `'${process.execPath}' '${COMMAND}' -D virtual:fault=stall@.5+.1 in.wav`
  const script = spawn('script', ['-qec', command, '/dev/null'], {
    cwd: path(''),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let seen = ''
  script.stdout.setEncoding('utf8').on('data', (text: string) => (seen += text))
  const [status] = (await once(script, 'close')) as [number]
  t.is(status, 0, seen)
  seen = seen.replaceAll('\u001B[K', '<clear>')
  const drawn = [...seen.matchAll(/\r(00:00:0\d\.\d\d \(\d xruns, \d+\.\d% load\))<clear>/g)].map(([, line]) => line)
  t.true(drawn.length >= 2, seen)
  t.regex(drawn.at(-1) ?? '', /^00:00:01\.10 \(1 xruns, /)
  t.deepEqual(drawn.toSorted(), drawn)
  t.regex(
    seen,
    /\r<clear>gap at 00:00:00\.51: 800 frames \(0\.10 s\) of silence played, the device dropped out\r\n\r00/,
  )
  t.true(seen.endsWith('gaps: 1 in the playback (800 frames), 0 in the recording (0 frames)\r\n'))
})

test('to a pipe only the last status line is written', async (t) => {
  const path = await folder(t)
  writeFileSync(path('in.wav'), wav(ramp(RATE)))
  const { stdout, stderr } = await pastream(t, path(''), ['-D', 'virtual', 'in.wav', 'out.wav'])
  t.is(stdout.length, 0)
  t.false(stderr.includes('\r') || stderr.includes('\u001B'))
  const lines = stderr.match(LINE) ?? []
  t.is(lines.length, 1)
  t.true(lines[0]?.startsWith('00:00:01.00 '))
})
