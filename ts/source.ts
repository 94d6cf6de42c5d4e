import { invalid } from './error.ts'
import { SoundFile, type FileSource } from './file.ts'
import { bytesOf, isSamples, type Format, type Samples } from './format.ts'
import { attach, call } from './native.ts'
import { natural, nothingElse, type SourceOptions } from './options.ts'
import { RingBuffer } from './ring.ts'
import type { BindingStream } from './binding/binding.js'

/** What a stream plays: samples, which are copied, a file, or a ring that the program fills. */
export type Source = Samples | string | FileSource | SoundFile | RingBuffer

const BUFFER_SIZE = 65_536

/** A source whose length can be asked for: files are opened. */
export async function resolve(source: Source): Promise<Samples | SoundFile | RingBuffer> {
  if (isSamples(source) || source instanceof RingBuffer || source instanceof SoundFile) return source
  if (typeof source === 'string' || (source !== null && typeof source === 'object' && 'path' in source)) {
    return SoundFile.open(source)
  }
  throw invalid('a source is a typed array, bytes, a path, { path, … }, a SoundFile or a RingBuffer')
}

/** Makes `source` what the next runs of a stream of `format` play; `null`: silence. */
export async function setSource(
  stream: BindingStream,
  format: Format,
  source: Source | null,
  { loop = false, bufferSize, ...rest }: SourceOptions,
): Promise<void> {
  nothingElse(rest)
  const size = natural('bufferSize', bufferSize) ?? BUFFER_SIZE
  const resolved = source === null ? null : await resolve(source)
  if (resolved === null) call(() => stream.clearSource())
  else if (resolved instanceof SoundFile) call(() => stream.setSourceFile(SoundFile.binding(resolved), loop, size))
  else if (resolved instanceof RingBuffer) {
    attach(resolved, (memory, wake) => stream.setSourceRing(memory, wake))
  } else {
    const frames = bytesOf(format, resolved)
    call(() => stream.setSourceBuffer(frames, loop))
  }
}
