import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import { duplex, folder, noise, same } from './support.ts'

const exec = promisify(execFile)
const example = (name: string): string => fileURLToPath(new URL(`../examples/${name}`, import.meta.url))

test('file-to-file', async (t) => {
  const path = await folder(t)
  const sent = noise('int16', 2 * 4800)
  const stream = await duplex(t)
  await stream.setSource(sent)
  await stream.toFile(path('in.wav'))
  await stream.start()
  await stream.wait()
  await stream.setSink(null)
  const { stdout, stderr } = await exec(process.execPath, [
    example('file-to-file.mjs'),
    path('in.wav'),
    path('out.wav'),
  ])
  t.deepEqual([stdout, stderr], ['4800 frames\n', ''])
  same(t, await stream.playrec(path('out.wav')), sent)
})
