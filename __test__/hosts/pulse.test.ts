import { comesBack } from './loss.ts'
import { installed, pulse } from './server.ts'
import { suite } from './suite.ts'

if (installed('pulseaudio')) {
  const server = pulse()
  // 20 ms of the server's.
  suite({ device: ['pulse:loop', 'pulse:loop.monitor'], format: 'int16', period: 960 })
  comesBack(server, { host: 'pulse', device: 'pulse:loop.monitor' })
}
