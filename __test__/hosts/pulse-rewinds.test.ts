import test from 'ava'
import { OutputStream } from 'pastream-rs'
import { installed, pulse } from './server.ts'
import { suite } from './suite.ts'

if (installed('pulseaudio')) {
  pulse({ rewinds: true })
  test.serial(
    'a sink that rendered two seconds ahead plays at once, and the end is told when it has been heard',
    async (t) => {
      await using stream = await OutputStream.open({ device: 'pulse:loop', sampleRate: 48_000, latency: 'low' })
      const begin = performance.now()
      await stream.play(new Float32Array(48_000 * Number(stream.channels)))
      const taken = performance.now() - begin
      t.true(taken > 1000 && taken < 1700, `${taken} ms for a second`)
    },
  )
  suite({ device: ['pulse:loop', 'pulse:loop.monitor'], format: 'int16', period: 960 })
}
