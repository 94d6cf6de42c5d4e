import { invalid, PastreamError } from './error.ts'
import { SoundFile, type FileSource } from './file.ts'
import { bytesOf, isSamples, type Format, type Samples } from './format.ts'
import { isIterable, isOnce, runSource, type Parts, type SourceFunction, type Task } from './hook.ts'
import { call, settle } from './native.ts'
import { conversion, defined, natural, nothingElse, type SourceOptions } from './options.ts'
import { RingBuffer } from './ring.ts'
import { Thread } from './thread.ts'
import type { StreamView } from './stream/view.ts'
import type { BindingStream } from './binding/binding.js'

/**
 * What a stream plays: samples, which are copied, a file, or a ring that the program fills; or what gives samples as
 * they are needed: a function or a `thread` that writes to a ring, something to iterate over, a stream of Node's or the web's.
 */
export type Source =
  | Samples
  | string
  | FileSource
  | SoundFile
  | RingBuffer<Format | undefined>
  | SourceFunction
  | Thread
  | Parts
  | ReadableStream

type Resolved = Samples | SoundFile | RingBuffer<Format | undefined> | SourceFunction | Thread | Parts

/** A source whose length can be asked for: files are opened. */
export async function resolve(source: Source): Promise<Resolved> {
  if (isSamples(source) || typeof source === 'function') return source
  if (source instanceof RingBuffer || source instanceof SoundFile || source instanceof Thread) return source
  if (isIterable(source) && !(Array.isArray(source) && !source.every(isSamples))) return source
  if (typeof source === 'string' || (source !== null && typeof source === 'object' && 'path' in source)) {
    return SoundFile.open(source)
  }
  throw invalid(
    'a source is a typed array, bytes, a path, { path, … }, a SoundFile, a RingBuffer, a function, thread(…), or an iterable or stream of typed arrays',
  )
}

/** Gives the stream a ring before a run, and answers what fills it from the run's start on. */
export type SourceHook = (stream: BindingStream, frameSize: number, format: Format) => (view: StreamView) => Task

function hook(source: SourceFunction | Thread | Parts, loop: boolean, size: number): SourceHook {
  const once = isIterable(source) && isOnce(source)
  if (once && loop) throw invalid('what is read once can’t be looped: give a generator function, which is called again')
  let used = false
  const begin = (ring: RingBuffer<Format>, stream: BindingStream, view: StreamView): Task => {
    used = true
    if (source instanceof Thread) return source.begin('source', stream.share(), ring, loop)
    const run = isIterable(source) ? (): Parts => source : source
    return { name: 'the source', done: runSource(run as never, view, ring, [], loop) }
  }
  return (stream, frameSize, format) => {
    if (once && used) {
      throw new PastreamError(
        'ERR_PASTREAM_STREAM_STATE',
        'what was played can be read once: set another source, or a generator function, which is called again',
      )
    }
    const ring = new RingBuffer<Format>(frameSize, size, format)
    call(() => stream.setSourceRing(ring.binding))
    return (view) => begin(ring, stream, view)
  }
}

/** Makes `source` what the next runs of a stream of `format` play; `null`: silence. Answers what each run has to begin. */
export async function setSource(
  stream: BindingStream,
  format: Format,
  source: Source | null,
  { loop = false, bufferSize, resample, quality, gain, ...rest }: SourceOptions,
): Promise<SourceHook | undefined> {
  nothingElse(rest)
  const size = natural('bufferSize', bufferSize) ?? stream.opened.bufferSize
  const fitted = conversion(defined({ resample, quality, gain }))
  const resolved = source === null ? null : await resolve(source)
  if (resolved instanceof SoundFile) {
    const file = SoundFile.binding(resolved)
    await settle(() => file.prepare())
    call(() => stream.setSourceFile(file, loop, size, fitted))
    return undefined
  }
  if (fitted.gain !== 0) throw invalid('`gain` is of files: leave it out, and multiply the samples')
  if (resolved === null) call(() => stream.clearSource())
  else if (resolved instanceof RingBuffer) call(() => stream.setSourceRing(resolved.binding))
  else if (isSamples(resolved)) {
    const frames = bytesOf(format, resolved)
    call(() => stream.setSourceBuffer(frames, loop))
  } else {
    const begin = hook(resolved, loop, size)
    call(() => stream.clearSource())
    return begin
  }
  return undefined
}
