import { comesBack } from './loss.ts'
import { alsaOverPulse, installed } from './server.ts'
import { suite } from './suite.ts'

if (installed('pulseaudio', 'aplay')) {
  const server = alsaOverPulse()
  suite({ device: 'alsa:default', format: 'int16', period: 960, vague: true })
  comesBack(server, { host: 'pulse', device: 'alsa:default' })
}
