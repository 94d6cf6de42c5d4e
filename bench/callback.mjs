import { spawnSync } from 'node:child_process'
import { root } from '../scripts/setup.mjs'
import { table } from './table.mjs'

/** Nanoseconds of pastream's C callback, in blocks of 64, 256, 1024 and 4096 frames; nobody measured the mapped record. */
const PASTREAM = {
  play: [70, 88, 229, 582],
  record: [79, 110, 233, 1128],
  playrec: [151, 191, 487, 1674],
  'play mapped': [400, 1693, 7244, 22_861],
  'playrec mapped': [827, 4962, 11_644, 49_294],
}
const BLOCKS = [64, 256, 1024, 4096]

/** The callback's cost a block. */
export function callback() {
  process.stdout.write('• callback (the first build takes a minute)\n')
  const args = ['run', '--release', '--locked', '--quiet', '--package', 'pastream-bench']
  const { status, stdout } = spawnSync('cargo', args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status !== 0) throw new Error('the callback could not be measured')
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .map(({ name, block, callback, memcpy, ratio }) => {
      const pastream = PASTREAM[name]?.[BLOCKS.indexOf(block)]
      const target = pastream && (name.endsWith('mapped') ? pastream / 10 : pastream)
      return [
        name,
        String(block),
        callback.toFixed(0),
        memcpy.toFixed(0),
        ratio.toFixed(2),
        pastream?.toFixed(0) ?? '-',
        target?.toFixed(0) ?? '-',
      ]
    })
  table(
    'Callback: ns a block, 2 channels of float32',
    ['', 'frames', 'ours', 'memcpy', 'ours/memcpy', 'pastream', 'target'],
    rows,
    [
      '',
      'memcpy: of the same bytes, both directions for playrec. mapped: the two channels change places.',
      'pastream: its C callback on another day and machine. target: at most that, mapped a tenth of it.',
    ],
  )
}
