import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import {
  DuplexStream,
  PastreamError,
  type ErrorCode,
  type Format,
  type SampleArray,
  type StreamOptions,
} from 'pastream-rs'
import { randoms } from './random.js'

export { randoms }

export const FORMATS = ['float32', 'int32', 'int24', 'int16', 'int8', 'uint8'] as const satisfies readonly Format[]
export const RATE = 48_000

/** The formats that each container that is written holds as they are. */
export const HELD = {
  wav: ['float32', 'int32', 'int24', 'int16', 'uint8'],
  rf64: ['float32', 'int32', 'int24', 'int16', 'uint8'],
  w64: ['float32', 'int32', 'int24', 'int16', 'uint8'],
  aiff: ['float32', 'int32', 'int24', 'int16', 'int8'],
  au: ['float32', 'int32', 'int24', 'int16', 'int8'],
  caf: ['float32', 'int32', 'int24', 'int16', 'int8'],
  raw: FORMATS,
} as const

export const linux = process.platform === 'linux' ? test : test.skip // elsewhere there is no /dev/full, no /proc, and none of Linux's hosts

const arrays = {
  float32: Float32Array,
  int32: Int32Array,
  int24: Uint8Array,
  int16: Int16Array,
  int8: Int8Array,
  uint8: Uint8Array,
}

/** So many samples of one format with every bit random; floats are finite. */
export function noise(format: Format, samples: number, seed = 1): SampleArray {
  const random = randoms(seed)
  const bytes = Uint8Array.from({ length: samples * (format === 'int24' ? 3 : arrays[format].BYTES_PER_ELEMENT) }, () =>
    random(256),
  )
  if (format === 'float32') return Float32Array.from({ length: samples }, () => random(2 ** 25) / 2 ** 24 - 1)
  return new arrays[format](bytes.buffer)
}

/** So many samples of silence. */
export function silence(format: Format, samples: number): SampleArray {
  return new arrays[format](format === 'int24' ? samples * 3 : samples).fill(format === 'uint8' ? 128 : 0)
}

/** Arrays of one format, one after the other. */
export function concat<T extends SampleArray>(first: T, ...rest: readonly T[]): T {
  const { buffer } = Uint8Array.from(Buffer.concat([first, ...rest].map(bytes)))
  return new (first.constructor as new (memory: ArrayBuffer) => T)(buffer)
}

export function bytes(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

/** Fails unless both hold the same bits. */
export function same(t: ExecutionContext, actual: ArrayBufferView, expected: ArrayBufferView, message?: string): void {
  const [left, right] = [Buffer.from(bytes(actual)), Buffer.from(bytes(expected))]
  if (left.equals(right)) {
    t.pass()
    return
  }
  const at = left.findIndex((byte, index) => byte !== right[index])
  t.fail(`${message ?? ''} ${left.length} bytes instead of ${right.length}, the first other one at ${at}`)
}

/** A duplex stream on the virtual device that runs as fast as it can and is closed after the test. */
export async function duplex(t: ExecutionContext, options: StreamOptions = {}): Promise<DuplexStream> {
  const stream = await DuplexStream.open({
    device: 'virtual:clock=free',
    sampleRate: RATE,
    channels: 2,
    format: 'int16',
    ...options,
  })
  t.teardown(() => stream.close().catch(() => {}))
  return stream
}

/** A folder that is gone after the test. */
export async function folder(t: ExecutionContext): Promise<(name: string) => string> {
  const path = await mkdtemp(join(tmpdir(), 'pastream-'))
  t.teardown(() => rm(path, { recursive: true, force: true }))
  return (name) => join(path, name)
}

/** Fails unless `work` fails with `code` and a message that matches. */
export async function fails(
  t: ExecutionContext,
  work: () => unknown,
  code: ErrorCode,
  message: RegExp = /./,
): Promise<void> {
  const error = await t.throwsAsync(async () => void (await work()), { instanceOf: PastreamError }, code)
  t.is(error.code, code, error.message)
  t.regex(error.message, message)
}
