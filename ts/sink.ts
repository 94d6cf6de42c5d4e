import { describe, type FileSink } from './file.ts'
import { attach, call } from './native.ts'
import { natural, nothingElse, type SinkOptions } from './options.ts'
import { RingBuffer } from './ring.ts'
import type { BindingStream } from './binding/binding.js'

/** Where a stream records to: a file, which is created once the stream runs, or a ring that the program reads. */
export type Sink = string | FileSink | RingBuffer

/** A disk may stall for so many seconds before a frame is lost. */
const DISK_SECONDS = 10
const BUFFER_SIZE = 65_536

/** Makes `sinks` where the next run of a stream records to, each with its own ring and losses. */
export function setSinks(
  stream: BindingStream,
  sampleRate: number,
  sinks: readonly Sink[],
  { bufferSize, ...rest }: SinkOptions,
): void {
  nothingElse(rest)
  const size = natural('bufferSize', bufferSize) ?? Math.max(BUFFER_SIZE, DISK_SECONDS * sampleRate)
  stream.clearSinks()
  for (const sink of sinks) {
    if (sink instanceof RingBuffer) attach(sink, (memory, wake) => stream.addSinkRing(memory, undefined, wake))
    else {
      const file = describe(typeof sink === 'string' ? { path: sink } : sink)
      call(() => stream.addSinkFile(file, size))
    }
  }
  call(() => stream.setSinks())
}
