import type { SampleArray } from './format.ts'

/** What went wrong, as a word for programs. */
export type ErrorCode =
  | 'ERR_PASTREAM_BUFFER_EMPTY'
  | 'ERR_PASTREAM_BUFFER_FULL'
  | 'ERR_PASTREAM_DEVICE_NOT_FOUND'
  | 'ERR_PASTREAM_DEVICE_AMBIGUOUS'
  | 'ERR_PASTREAM_DEVICE_LOST'
  /** Of real devices, which others may use; the virtual one is never busy. */
  | 'ERR_PASTREAM_DEVICE_BUSY'
  | 'ERR_PASTREAM_HOST_UNAVAILABLE'
  | 'ERR_PASTREAM_UNSUPPORTED_CONFIG'
  | 'ERR_PASTREAM_UNSUPPORTED_FILE'
  | 'ERR_PASTREAM_CORRUPT_FILE'
  | 'ERR_PASTREAM_IO'
  | 'ERR_PASTREAM_XRUN'
  | 'ERR_PASTREAM_INVALID_ARGUMENT'
  | 'ERR_PASTREAM_STREAM_STATE'

/** The one error of the library: a code, and a sentence that says what was wrong and what to do. */
export class PastreamError extends Error {
  readonly code: ErrorCode
  /** What `record` or `playrec` got before it failed: frames × channels, interleaved. */
  declare recording?: SampleArray

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'PastreamError'
    this.code = code
  }
}

export function invalid(message: string): PastreamError {
  return new PastreamError('ERR_PASTREAM_INVALID_ARGUMENT', message)
}
