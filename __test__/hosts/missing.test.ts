import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { folder, linux } from '../support.ts'

/** Runs Node where no audio library loads and no server runs. */
async function without(t: Parameters<typeof folder>[0], ...args: readonly string[]) {
  const path = await folder(t)
  // Found first, and no libraries.
  for (const library of ['libasound.so.2', 'libjack.so.0', 'libjackserver.so.0']) writeFileSync(path(library), '')
  const { PULSE_SERVER: _, ...rest } = process.env
  const env = { ...rest, LD_LIBRARY_PATH: path('.'), XDG_RUNTIME_DIR: path('.'), HOME: path('.') }
  return spawnSync(process.execPath, args, { env, encoding: 'utf8' })
}

linux('without any audio library everything loads, and the hosts say what is missing', async (t) => {
  const script = `
    const { devices, hosts, playrec } = require('./dist/index.cjs')
    import('./dist/index.js').then(async (esm) => {
      const take = await esm.playrec(Int16Array.of(1, 2, 3, 4), { device: 'virtual:clock=free', format: 'int16', channels: 2 })
      console.log(JSON.stringify({ hosts: hosts(), devices: devices().map(({ id }) => id), take: [...take] }))
    })`
  const { stdout, stderr, status } = await without(t, '-e', script)
  t.is(stderr, '')
  t.is(status, 0)
  const told = JSON.parse(stdout)
  t.deepEqual(told.devices, ['virtual', 'null'])
  t.deepEqual(told.take, [1, 2, 3, 4])
  for (const [host, reason] of [
    ['alsa', /libasound\.so\.2/],
    ['jack', /libjack/],
    ['pulse', /PulseAudio/],
  ] as const) {
    const { available, reason: why } = told.hosts.find(({ name }: { name: string }) => name === host)
    t.false(available)
    t.regex(why, reason)
  }
})

linux('the command says what to install', async (t) => {
  for (const [device, words] of [
    ['alsa:default', /libasound2/],
    ['jack', /jackd2|libjack/],
    ['pulse', /PulseAudio/],
    ['default', /alsa: .*libasound.*-D virtual/],
  ] as const) {
    const { stdout, stderr, status } = await without(t, 'dist/cli.js', '-D', device, '-d', '1', 'null', 'never.wav')
    t.is(stdout, '')
    t.is(status, 1)
    t.regex(stderr, /^pastream-rs: [^\n]*-D virtual[^\n]*\n$/)
    t.regex(stderr, words)
  }
  const { stdout, stderr } = await without(t, 'dist/cli.js', '-l')
  t.is(stderr, '')
  t.regex(stdout, /virtual/)
})
