import { invalid } from './error.ts'

/** How one sample lies in memory: native byte order, interleaved, int24 packed in three bytes. */
export type Format = 'float32' | 'int32' | 'int24' | 'int16' | 'int8' | 'uint8'

/** How one sample lies in a file. */
export type Encoding = 'pcm_s8' | 'pcm_u8' | 'pcm_16' | 'pcm_24' | 'pcm_32' | 'float' | 'double' | 'ulaw' | 'alaw'

/** How a file is compressed. */
export type Codec = 'flac' | 'mp3' | 'vorbis' | 'opus' | 'aac' | 'alac' | 'ima_adpcm' | 'ms_adpcm'

/** The array of each format; int24 comes as its bytes. */
export interface ArrayOf {
  float32: Float32Array
  int32: Int32Array
  int24: Uint8Array
  int16: Int16Array
  int8: Int8Array
  uint8: Uint8Array
}

/** Interleaved samples of a stream's format: frames × channels. */
export type SampleArray = ArrayOf[Format]

/** Samples of the stream's format, or their bytes. */
export type Samples = ArrayBufferView | ArrayBufferLike

/** Every format, widest first. */
export const FORMATS = ['float32', 'int32', 'int24', 'int16', 'int8', 'uint8'] as const satisfies readonly Format[]

/** The array that holds samples of each format. */
export const arrays = {
  float32: Float32Array,
  int32: Int32Array,
  int24: Uint8Array,
  int16: Int16Array,
  int8: Int8Array,
  uint8: Uint8Array,
} as const

export function sampleSize(format: Format): number {
  return format === 'int24' ? 3 : arrays[format].BYTES_PER_ELEMENT
}

/** The byte that silence is made of. */
export function silence(format: Format): number {
  return format === 'uint8' ? 128 : 0
}

/** Bytes as samples, without a copy where they lie as the samples must. */
export function samples<F extends Format>(format: F, bytes: Uint8Array): ArrayOf[F]
export function samples(format: Format, bytes: Uint8Array): SampleArray {
  const Type = arrays[format]
  const whole = bytes.byteOffset % Type.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice()
  return new Type(whole.buffer as ArrayBuffer, whole.byteOffset, whole.byteLength / Type.BYTES_PER_ELEMENT)
}

/** Whether `data` is memory at all. */
export function isSamples(data: unknown): data is Samples {
  return ArrayBuffer.isView(data) || data instanceof ArrayBuffer || data instanceof SharedArrayBuffer
}

/** Any typed array, Buffer or ArrayBuffer as bytes, without a copy. */
export function bytes(data: Samples): Uint8Array {
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  if (isSamples(data)) return new Uint8Array(data)
  throw invalid('samples are a typed array, a Buffer or an ArrayBuffer')
}

/** The bytes of `data`, which are of `format`: an array of other numbers would be noise. */
export function bytesOf(format: Format, data: Samples): Uint8Array {
  const Type = arrays[format]
  const plain = data instanceof Uint8Array || data instanceof DataView || !ArrayBuffer.isView(data)
  if (plain || data instanceof Type) return bytes(data)
  throw invalid(`samples of format ${format} are ${Type.name} or bytes, not ${data.constructor.name}`)
}
