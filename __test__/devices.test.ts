import test from 'ava'
import { setTimeout } from 'node:timers/promises'
import {
  devicePair,
  devices,
  hosts,
  InputStream,
  OutputStream,
  version,
  watchDevices,
  type ListedDevice,
} from 'pastream-rs'
import { duplex, fails, FORMATS } from './support.ts'

// Others may be in use.
const software = (): ListedDevice[] => devices().filter(({ host }) => host === 'virtual' || host === 'null')

test('a listed device opens by its id, and by its name in any case', async (t) => {
  const all = software()
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

test('a list says all that is known of a device', (t) => {
  for (const device of software()) {
    t.deepEqual(device.formats, [...FORMATS])
    t.deepEqual(device.sampleRates, [{ min: 1, max: 768_000 }])
    t.false(device.isDefaultInput || device.isDefaultOutput)
    t.is(device.defaultLowOutputLatency, 0)
  }
})

test('each side may name a device of its own', async (t) => {
  await using input = await InputStream.open({ device: ['nobody', 'null'] })
  t.is(input.device, 'null')
  await fails(t, () => InputStream.open({ device: ['null', 'nobody'] }), 'ERR_PASTREAM_DEVICE_NOT_FOUND', /records/)
  await fails(t, () => OutputStream.open({ device: [{} as never, 'null'] }), 'ERR_PASTREAM_INVALID_ARGUMENT', /device/)
})

test('a device is named by its index', async (t) => {
  t.deepEqual(
    devices().map(({ index }) => index),
    [...devices().keys()],
  )
  for (const { index, id, host } of software()) {
    for (const device of [index, String(index), `${index} ${host}`, ['nobody', index]] as const) {
      await using stream = await InputStream.open({ device })
      t.is(stream.device, id)
    }
  }
  const count = devices().length
  await fails(
    t,
    () => OutputStream.open({ device: count }),
    'ERR_PASTREAM_DEVICE_NOT_FOUND',
    new RegExp(`^there is no device ${count}: there are ${count}, counted from 0; the devices here are `),
  )
  for (const device of [-1, 0.5, Number.NaN]) {
    await fails(t, () => OutputStream.open({ device }), 'ERR_PASTREAM_INVALID_ARGUMENT', /its index in devices\(\)/)
  }
})

test('a name may mean two devices', (t) => {
  t.deepEqual(devicePair('virtual'), ['virtual', 'virtual'])
  t.deepEqual(devicePair('alsa:hw:CARD=PCH,DEV=0, null'), ['alsa:hw:CARD=PCH,DEV=0', 'null'])
  t.deepEqual(devicePair('^,3'), ['', '3'])
})

test('the alignment of a virtual device is its delay', async (t) => {
  const stream = await duplex(t, { device: 'virtual:clock=free:delay=123' })
  t.deepEqual(stream.alignment, { offsetFrames: 123, jitterFrames: 0, driftPpm: 0, method: 'callback' })
  await using output = await OutputStream.open({ device: 'virtual' })
  t.is(output.alignment, undefined)
  t.deepEqual(output.status, [])
})

test('a watch tells nothing where nothing changes, and ends when it is closed', async (t) => {
  const watch = watchDevices()
  watch.on('added', () => t.fail())
  const loop = (async () => {
    let changes = 0
    for await (const _ of watch) changes++
    return changes
  })()
  await setTimeout(0)
  await watch.close()
  await watch.close()
  t.is(await loop, 0)
  t.throws(() => watchDevices({ signal: AbortSignal.abort(new Error('no')) }), { message: 'no' })
})
