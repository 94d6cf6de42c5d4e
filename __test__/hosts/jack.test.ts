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

  comesBack(server, { host: 'jack', device: 'jack:system' })
}
