import { SoundFile, type FileSource } from './file.ts'
import { bytesOf, isSamples, type Format, type Samples } from './format.ts'
import { attach, call } from './native.ts'
import { natural, type SourceOptions } from './options.ts'
import { RingBuffer } from './ring.ts'
import type { BindingStream } from './binding/binding.js'

/** What a stream plays: samples, which are copied, a file, or a ring that the program fills. */
export type Source = Samples | string | FileSource | SoundFile | RingBuffer

const BUFFER_SIZE = 65_536

/** Makes `source` what the next runs of a stream of `format` play; `null`: silence. */
export async function setSource(
  stream: BindingStream,
  format: Format,
  source: Source | null,
  { loop = false, bufferSize }: SourceOptions,
): Promise<void> {
  const size = natural('bufferSize', bufferSize) ?? BUFFER_SIZE
  if (source === null) return call(() => stream.clearSource())
  if (isSamples(source)) {
    const frames = bytesOf(format, source)
    return call(() => stream.setSourceBuffer(frames, loop))
  }
  if (source instanceof RingBuffer) {
    return attach(source, (memory, wake) => stream.setSourceRing(memory, wake))
  }
  const file = source instanceof SoundFile ? source : await SoundFile.open(source)
  call(() => stream.setSourceFile(SoundFile.binding(file), loop, size))
}
