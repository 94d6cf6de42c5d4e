import type { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { invalid, PastreamError } from './error.ts'
import { describe, describeRecorded, SoundFile, type FileSink } from './file.ts'
import type { Format } from './format.ts'
import { runSink, type SinkFunction, type Task } from './hook.ts'
import { call } from './native.ts'
import { conversion, defined, natural, nothingElse, type SinkOptions } from './options.ts'
import { Recording } from './recording.ts'
import { RingBuffer } from './ring.ts'
import { Thread } from './thread.ts'
import type { StreamView } from './stream/view.ts'
import type { BindingStream } from './binding/binding.js'

/**
 * Where a stream records to: a file, which is created once the stream runs, a ring that the program reads, a function or
 * a `thread` that reads one, or a stream of Node's or the web's, which gets bytes, with silence where frames were lost.
 */
export type Sink =
  | string
  | FileSink
  | RingBuffer<Format | undefined>
  | SinkFunction
  | Thread
  | Writable
  | WritableStream

/** A disk may stall for so many seconds before a frame is lost. */
const DISK_SECONDS = 10
const BUFFER_SIZE = 65_536
/** Frames that a stream of bytes gets at a time. */
const PART = 4096

/** Gives the stream a ring before a run, and answers what empties it from the run's start on. */
export type SinkHook = (stream: BindingStream, frameSize: number, format: Format) => (view: StreamView) => Task

/** A stream of Node's that writes a file has a path, too; an open file is refused with the others. */
function isFile(sink: object): sink is FileSink {
  return ('path' in sink && !isWritable(sink)) || sink instanceof SoundFile
}

function isWritable(sink: object): sink is Writable {
  return 'write' in sink && 'once' in sink && typeof sink.write === 'function' && typeof sink.once === 'function'
}

function isWritableStream(sink: object): sink is WritableStream {
  return 'getWriter' in sink && typeof sink.getWriter === 'function'
}

/** The process's own outlets stay open. */
function isOutlet(to: Writable): boolean {
  return to === process.stdout || to === process.stderr
}

async function toWritable(recording: Recording<Format>, to: Writable): Promise<void> {
  let wake = (): void => {}
  let failed: { error: unknown } | undefined
  // Rejects when it fails or is closed before its end, also after the last byte: a disk may be full when it is closed.
  const end = finished(to, { cleanup: true })
  end.catch((error: unknown) => {
    failed = { error }
    wake()
  })
  const drained = (): void => wake()
  to.on('drain', drained)
  try {
    for await (const part of recording.bytes(PART)) {
      if (!failed && !to.destroyed && to.write(part)) continue
      if (to.destroyed) break
      if (!failed) await new Promise<void>((resolve) => (wake = resolve))
      if (failed) break
    }
    if (isOutlet(to)) {
      await new Promise<void>((resolve, reject) => to.write('', (error) => (error ? reject(error) : resolve())))
      return
    }
    if (!failed && !to.destroyed) to.end()
    await end
  } finally {
    to.off('drain', drained)
  }
}

async function toWritableStream(recording: Recording<Format>, writer: WritableStreamDefaultWriter): Promise<void> {
  for await (const part of recording.bytes(PART)) {
    await writer.ready
    await writer.write(new Uint8Array(part.buffer, part.byteOffset, part.byteLength))
  }
  await writer.close()
}

function hook(sink: SinkFunction | Thread, size: number): SinkHook {
  return (stream, frameSize, format) => {
    const ring = new RingBuffer<Format>(frameSize, size, format)
    ring.readerAway = sink instanceof Thread
    stream.addSinkRing(ring.binding)
    if (sink instanceof Thread) return () => sink.begin('sink', stream.share(), ring, false)
    return (view) => ({ name: 'the sink', done: runSink(sink as never, view, ring, []) })
  }
}

/** A hook that hands all that is recorded to `drain`, once. */
function streamHook(
  drain: (recording: Recording<Format>) => Promise<void>,
  kill: Task['kill'],
  size: number,
): SinkHook {
  let used = false
  return (stream, frameSize, format) => {
    if (used) {
      const message = 'the stream that was recorded to is at its end: set sinks anew, or none at all'
      throw new PastreamError('ERR_PASTREAM_STREAM_STATE', message)
    }
    const recording = new Recording(frameSize, size, format)
    stream.addSinkRing(recording.frames.binding, recording.gaps.binding)
    return () => {
      used = true
      const done = drain(recording).finally(() => recording.frames.close())
      return { name: 'the stream that is recorded to', done, slow: true, ...defined({ kill }) }
    }
  }
}

function resolve(sink: Exclude<Sink, string | FileSink | RingBuffer<Format | undefined>>, size: number): SinkHook {
  if (sink instanceof Thread || typeof sink === 'function') return hook(sink, size)
  if (typeof sink === 'object' && sink !== null && isWritable(sink)) {
    return streamHook(
      (recording) => toWritable(recording, sink),
      async () => sink.destroy(),
      size,
    )
  }
  if (typeof sink === 'object' && sink !== null && isWritableStream(sink)) {
    const writer = sink.getWriter()
    return streamHook(
      (recording) => toWritableStream(recording, writer),
      () => writer.abort(),
      size,
    )
  }
  throw invalid('a sink is a path, { path, … }, a RingBuffer, a function, thread(…), or a writable stream')
}

/**
 * Makes `sinks` where the next runs of a stream record to, each with its own ring and losses. Answers what each run has to
 * begin.
 */
export function setSinks(
  stream: BindingStream,
  sampleRate: number,
  sinks: readonly Sink[],
  { bufferSize, ...rest }: SinkOptions,
): SinkHook[] {
  nothingElse(rest)
  const size = natural('bufferSize', bufferSize)
  stream.clearSinks()
  try {
    const hooks = sinks.flatMap((sink) => add(stream, sampleRate, sink, size) ?? [])
    call(() => stream.setSinks())
    return hooks
  } catch (error) {
    stream.clearSinks()
    throw error
  }
}

/** Adds a sink to those that will be set, or answers its hook. */
function add(stream: BindingStream, sampleRate: number, sink: Sink, size: number | undefined): SinkHook | undefined {
  if (sink instanceof RingBuffer) call(() => stream.addSinkRing(sink.binding))
  else if (typeof sink === 'string' || (typeof sink === 'object' && sink !== null && isFile(sink))) {
    const given: FileSink = typeof sink === 'string' ? { path: sink } : sink
    const { quality, gain, ...rest } = given
    const file = given instanceof SoundFile ? describe(given) : describeRecorded(rest)
    const fitted = conversion(defined({ quality, gain }))
    call(() => stream.addSinkFile(file, size ?? Math.max(BUFFER_SIZE, DISK_SECONDS * sampleRate), fitted))
  } else return resolve(sink, size ?? stream.opened.bufferSize)
  return undefined
}
