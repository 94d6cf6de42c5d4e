import { spawn, spawnSync } from 'node:child_process'
import test from 'ava'
import { DuplexStream, InputStream, OutputStream, type GapEvent } from 'pastream-rs'
import { comesBack } from './loss.ts'
import { installed, pulse } from './server.ts'
import { suite } from './suite.ts'

const RATE = 48_000
const SINK = 'pulse:loop'
const MONITOR = 'pulse:loop.monitor'

/** Frames that tell their index: 15 bits to the left, 15 to the right, one more to be no silence. */
function counted(length: number): Int16Array {
  return Int16Array.from({ length: 2 * length }, (_, at) => {
    const index = (at >> 1) + 1
    return at % 2 ? index >> 14 : (index & 0x3fff) | 0x4000
  })
}

/** The index that a frame tells, -1 for silence. */
function indexOf(frames: Int16Array, frame: number): number {
  const [left = 0, right = 0] = [frames[2 * frame], frames[2 * frame + 1]]
  return left === 0 && right === 0 ? -1 : ((right << 14) | (left & 0x3fff)) - 1
}

if (installed('pulseaudio', 'setpriv')) {
  const server = pulse()
  // 20 ms of the server's.
  suite({ device: [SINK, MONITOR], format: 'int16', period: 960 })

  test.serial('thirty seconds with both cores busy: what is lost is in the ledger', async (t) => {
    const busy = [0, 1].map(() => spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }))
    t.teardown(() => busy.forEach((child) => child.kill('SIGKILL')))
    await using stream = await DuplexStream.open({
      device: [SINK, MONITOR],
      sampleRate: RATE,
      channels: 2,
      format: 'int16',
    })
    const gaps: GapEvent[] = []
    stream.on('gap', (gap) => gaps.push(gap))
    const length = 30 * RATE
    const take = await stream.playrec(counted(length), { pad: RATE })
    t.is(stream.played, length)
    t.is(take.length / 2, length + RATE + stream.gaps.starved)

    const of = (side: GapEvent['side']): GapEvent[] => gaps.filter((gap) => gap.side === side)
    const sum = (list: readonly GapEvent[]): number => list.reduce((all, gap) => all + gap.length, 0)
    t.is(sum(of('recording')), stream.gaps.frames)
    t.is(sum(of('playback')), stream.gaps.starved)
    const { offsetFrames = 0 } = stream.alignment ?? {}
    // What wasn't recorded, and what wasn't played, as it comes back: each with a frame for the fraction of the offset.
    const known = [
      ...of('recording').map(({ frame, length: lost }) => [frame, frame + lost] as const),
      ...of('playback').map(
        ({ frame, length: lost }) => [frame + offsetFrames - 1, frame + offsetFrames + lost + 1] as const,
      ),
    ]
    const explained = (frame: number): boolean => known.some(([from, to]) => frame >= from && frame < to)
    const first = Math.ceil(offsetFrames) + 1
    let [jumps, heard, expected] = [0, 0, indexOf(take, first)]
    for (let frame = first; frame < take.length / 2 && expected < length; frame++) {
      const index = indexOf(take, frame)
      if (index === expected) heard++
      else if (!explained(frame)) jumps++
      if (index >= 0) expected = index
      // In a recording's gap the playback goes on; in its own it waits.
      if (
        index >= 0 ||
        !of('playback').some(
          ({ frame: at, length: lost }) => frame >= at + offsetFrames - 1 && frame < at + offsetFrames + lost,
        )
      ) {
        expected++
      }
    }
    t.is(jumps, 0, JSON.stringify({ gaps, xruns: stream.xrunCounts, offsetFrames }))
    t.true(heard >= length - first - sum(gaps) - 2 * gaps.length, `${heard}`)
  })

  test.serial('each direction takes its own default', async (t) => {
    await using output = await OutputStream.open({ device: 'pulse' })
    await using input = await InputStream.open({ device: 'pulse' })
    t.deepEqual([output.device, input.device], [SINK, MONITOR])
    await using both = await DuplexStream.open({ device: 'pulse', sampleRate: RATE })
    t.is(both.device, `${SINK},${MONITOR}`)
    t.is(both.alignment, undefined)
    await using by = await InputStream.open({ device: 'MONITOR null pulse' })
    t.is(by.device, MONITOR)
  })

  test.serial('where the system denies realtime priority, the status says so', (t) => {
    const script = `
      const { OutputStream } = require('./dist/index.cjs')
      OutputStream.open({ device: '${SINK}' }).then(async (stream) => {
        await stream.play(new Float32Array(2000), { pad: 4800 })
        console.log(stream.status.join())
        await stream.close()
      })`
    const without = ['--bounding-set=-sys_nice', '--inh-caps=-sys_nice', 'prlimit', '--rtprio=0']
    const { stdout, stderr } = spawnSync('setpriv', [...without, process.execPath, '-e', script], { encoding: 'utf8' })
    t.is(stderr, '')
    t.is(stdout, 'realtimeDenied\n')
  })

  comesBack(server, { host: 'pulse', device: MONITOR })
}
