import test from 'ava'
import { devices, hosts, OutputStream, version } from 'pastream-rs'

test('every listed device opens by its id, and by its name in any case', async (t) => {
  const all = devices()
  t.true(all.length >= 2)
  for (const device of all) {
    t.true(device.maxInputChannels + device.maxOutputChannels > 0)
    t.true(hosts().some(({ name, available }) => name === device.host && available))
    for (const name of [device.id, device.name.toUpperCase()]) {
      await using stream = await OutputStream.open({ device: name })
      t.is(stream.device, device.id)
      t.is(stream.sampleRate, device.defaultSampleRate)
    }
  }
})

test('the virtual and the null device are always there', (t) => {
  t.deepEqual(
    devices()
      .map(({ id }) => id)
      .filter((id) => ['virtual', 'null'].includes(id))
      .toSorted(),
    ['null', 'virtual'],
  )
  t.regex(version, /^\d+\.\d+\.\d+/)
})
