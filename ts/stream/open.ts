import { defaults } from '../defaults.ts'
import { invalid, PastreamError } from '../error.ts'
import type { FileInfo } from '../file.ts'
import { made, native } from '../native.ts'
import {
  choice,
  defined,
  natural,
  nothingElse,
  routes,
  seconds,
  sides,
  type Mapping,
  type SourceOptions,
  type StreamOptions,
} from '../options.ts'
import type { BindingStream, SideOptions } from '../binding/binding.js'

/** A device's name, or none. */
function named(device: string | number | undefined): string | undefined {
  if (device === undefined || typeof device === 'string') return device
  if (Number.isSafeInteger(device) && device >= 0) return String(device)
  throw invalid(`device is ${String(device)}: give a device's id, parts of its name, or its index in devices()`)
}

/**
 * Opens a stream like a file, where nothing else is asked for; where the device can't be like it, as the device is, and the
 * file is fitted to that.
 */
export async function openLike<S>(
  open: (options: StreamOptions) => Promise<S>,
  { sampleRate, channels, format }: FileInfo,
  options: StreamOptions,
  resample: SourceOptions['resample'],
): Promise<S> {
  const rates = resample === 'off' ? [{ sampleRate }] : [{ sampleRate }, {}]
  let refused: unknown
  for (const rate of rates) {
    for (const count of [{ channels }, {}]) {
      try {
        return await open({ format, ...rate, ...count, ...defined(options) })
      } catch (error) {
        refused ??= error
        if (!(error instanceof PastreamError && error.code === 'ERR_PASTREAM_UNSUPPORTED_CONFIG')) throw error
      }
    }
  }
  throw refused
}

/** Opens what a stream plays and records with. */
export async function open(options: StreamOptions, plays: boolean, records: boolean): Promise<BindingStream> {
  const { device, sampleRate, blockSize, latency, underrun, overrun, xrun, ...sided } = { ...defaults, ...options }
  const { channels: counts, format, txMapping, rxMapping, ...rest } = sided
  nothingElse(rest)
  const [names, channels, formats] = [sides(device), sides(counts), sides(format)]
  const side = (index: 0 | 1, mapping: Mapping | undefined): SideOptions =>
    defined({
      device: named(names[index]),
      channels: natural('channels', channels[index]),
      format: formats[index],
      routes: routes(mapping),
    })
  choice('xrun', xrun, 'count', 'abort')
  const word = typeof latency === 'number' ? undefined : choice('latency', latency, 'low', 'high')
  const asked = {
    device: 'default',
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
  return made(() => native.BindingStream.open(asked))
}
