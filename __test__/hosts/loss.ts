import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import test from 'ava'
import { InputStream, SoundFile, watchDevices, type DeviceChange } from 'pastream-rs'
import { fails, folder } from '../support.ts'
import { grown } from '../cli/support.ts'
import type { Server } from './server.ts'

/** What becomes of a recording whose server dies, and of those who wait for its return. */
export function comesBack(server: Server, { host, device }: { host: string; device: string }): void {
  test.serial(
    'a server that dies ends the recording; the file is whole, and a new stream opens when it is back',
    async (t) => {
      const path = await folder(t)
      await using stream = await InputStream.open({ device, sampleRate: 48_000, channels: 2, format: 'int16' })
      await stream.toFile(path('out.wav'))
      await stream.start()
      await grown(path('out.wav'), 100_000)
      const lost = once(stream, 'deviceLost', { signal: AbortSignal.timeout(2000) })
      await server.kill()
      await lost
      await fails(t, () => stream.wait(), 'ERR_PASTREAM_DEVICE_LOST', /went away after \d+ frames/)
      await using file = await SoundFile.open(path('out.wav'))
      t.is(file.info.frames, stream.frameCount)
      t.is(file.info.missing, 0)

      await server.start()
      await using again = await InputStream.open({ device, sampleRate: 48_000, channels: 2, format: 'int16' })
      t.is((await again.record({ frames: 5000 })).length, 10_000)
    },
  )

  test.serial('the command ends with status 1, and says so', async (t) => {
    const path = await folder(t)
    const command = spawn(
      process.execPath,
      ['dist/cli.js', '-D', device, '-r', '48000', '-f', 'int16', '-q', 'null', path('out.wav')],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    )
    const told = command.stderr.toArray() as Promise<Buffer[]>
    const ended = once(command, 'exit')
    await grown(path('out.wav'), 100_000)
    await server.kill()
    const [status] = (await ended) as [number]
    t.is(status, 1)
    t.regex(Buffer.concat(await told).toString(), /^pastream-rs: device .* went away after \d+ frames; .*\n$/)
    t.true(existsSync(path('out.wav')))
    await using file = await SoundFile.open(path('out.wav'))
    t.is(file.info.missing, 0)
    t.true((file.info.frames ?? 0) > 20_000)
    await server.start()
  })

  test.serial('who watches the devices is told when they go and when they are back', async (t) => {
    await using watch = watchDevices({ signal: AbortSignal.timeout(30_000) })
    const next = async (type: DeviceChange['type']): Promise<void> => {
      for await (const change of watch.changes()) {
        if (change.type === type && change.device?.host === host) return
      }
      t.fail(`nothing was ${type}`)
    }
    const removed = next('removed')
    await server.kill()
    await removed
    const added = next('added')
    await server.start()
    await added
    t.pass()
  })
}
