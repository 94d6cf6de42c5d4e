import type { StreamOptions } from './options.ts'

/**
 * What a stream is opened with where its own options say nothing. A program may set and delete them at any time. A
 * `format` set here is not known to the types: name it where a stream is opened.
 */
export const defaults: Pick<StreamOptions, 'device' | 'sampleRate' | 'channels' | 'format' | 'latency' | 'blockSize'> =
  {}
