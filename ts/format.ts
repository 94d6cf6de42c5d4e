import { invalid } from './error.ts'

/** How one sample lies in memory: native byte order, interleaved, int24 packed in three bytes. */
export type Format = 'float32' | 'int32' | 'int24' | 'int16' | 'int8' | 'uint8'

/** How one sample lies in a file. */
export type Encoding = 'pcm_s8' | 'pcm_u8' | 'pcm_16' | 'pcm_24' | 'pcm_32' | 'float' | 'double'

export interface ArrayOf {
  float32: Float32Array
  int32: Int32Array
  int24: Uint8Array
  int16: Int16Array
  int8: Int8Array
  uint8: Uint8Array
}

export type SampleArray = ArrayOf[Format]

const formats = {
  float32: [4, Float32Array],
  int32: [4, Int32Array],
  int24: [3, Uint8Array],
  int16: [2, Int16Array],
  int8: [1, Int8Array],
  uint8: [1, Uint8Array],
} as const

export function sampleSize(format: Format): number {
  return formats[format][0]
}

/** Bytes as samples, without a copy where they lie as the samples must. */
export function samples(format: Format, bytes: Uint8Array): SampleArray {
  const [, Type] = formats[format]
  const whole = bytes.byteOffset % Type.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice()
  return new Type(whole.buffer as ArrayBuffer, whole.byteOffset, whole.byteLength / Type.BYTES_PER_ELEMENT)
}

/** Any typed array, Buffer or ArrayBuffer as bytes, without a copy. */
export function bytes(data: ArrayBufferView | ArrayBuffer): Uint8Array {
  if (data instanceof ArrayBuffer) return new Uint8Array(data)
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  throw invalid('samples are a typed array, a Buffer or an ArrayBuffer')
}
