import test from 'ava'
import { DuplexStream } from 'pastream-rs'
import { noise, same } from '../support.ts'
import { comesBack } from './loss.ts'
import { installed, jack } from './server.ts'
import { suite } from './suite.ts'

if (installed('jackd')) {
  const server = jack()
  const device = 'jack:system:monitor'
  suite({ device, format: 'float32', lag: 256, period: 0 })

  test.serial('the loop is one period long in a hundred of a hundred runs', async (t) => {
    const sent = noise('float32', 2 * 500)
    for (let stream: DuplexStream | undefined, run = 0; run < 100; run++) {
      // Half of them on a stream that has run before.
      if (run % 2 === 0) {
        await stream?.close()
        stream = await DuplexStream.open({ device, channels: 2 })
      }
      const take = await stream?.playrec(sent, { pad: 256, offset: 256 })
      same(t, take ?? new Float32Array(), sent, `run ${run}`)
    }
  })

  test.serial('two devices of the server are one, also by the name that the stream has', async (t) => {
    const sent = noise('float32', 2 * 500)
    let pair: [string, string] | string = ['jack:system', device]
    for (const again of [false, true]) {
      await using stream: DuplexStream = await DuplexStream.open({ device: pair, channels: 2 })
      t.is(stream.device, `jack:system,${device}`)
      const take = await stream.playrec(sent, { align: true })
      same(t, take, sent, `again: ${again}`)
      t.deepEqual(stream.alignment, { offsetFrames: 256, jitterFrames: 0, driftPpm: 0, method: 'callback' })
      pair = stream.device
    }
  })

  comesBack(server, { host: 'jack', device: 'jack:system' })
}
