import { defaults } from '../defaults.ts'
import { invalid } from '../error.ts'
import { call, native } from '../native.ts'
import {
  choice,
  defined,
  natural,
  nothingElse,
  routes,
  seconds,
  sides,
  type Mapping,
  type StreamOptions,
} from '../options.ts'
import type { BindingStream, SideOptions } from '../binding/binding.js'

/** Opens what a stream plays and records with. */
export function open(options: StreamOptions, plays: boolean, records: boolean): BindingStream {
  const {
    device = 'default',
    sampleRate,
    blockSize,
    latency,
    underrun,
    overrun,
    xrun,
    ...sided
  } = { ...defaults, ...options }
  const { channels: counts, format, txMapping, rxMapping, ...rest } = sided
  nothingElse(rest)
  if (typeof device !== 'string') throw invalid(`device is ${String(device)}: give a device's id, or parts of its name`)
  const [channels, formats] = [sides(counts), sides(format)]
  const side = (index: 0 | 1, mapping: Mapping | undefined): SideOptions =>
    defined({ channels: natural('channels', channels[index]), format: formats[index], routes: routes(mapping) })
  choice('xrun', xrun, 'count', 'abort')
  const word = typeof latency === 'number' ? undefined : choice('latency', latency, 'low', 'high')
  const asked = {
    device,
    lowLatency: word === 'low',
    abortStarved: choice('underrun', underrun, 'silence', 'abort') === 'abort',
    abortFull: choice('overrun', overrun, 'gap', 'abort') === 'abort',
    ...defined({
      sampleRate: natural('sampleRate', sampleRate),
      playback: plays ? side(0, txMapping) : undefined,
      recording: records ? side(1, rxMapping) : undefined,
      blockSize: natural('blockSize', blockSize, 0) || undefined,
      latency: seconds('latency', typeof latency === 'number' ? latency : undefined),
    }),
  }
  return call(() => native.BindingStream.open(asked))
}
