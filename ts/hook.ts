import type { Readable } from 'node:stream'
import { invalid, PastreamError } from './error.ts'
import { bytesOf, type Format, type Samples } from './format.ts'
import { turn } from './interrupt.ts'
import type { RingBuffer } from './ring.ts'
import type { StreamView } from './stream/view.ts'

/** Parts of a source, one after the other: samples of the stream's format or their bytes, cut anywhere. */
export type Parts = Iterable<Samples> | AsyncIterable<Samples>

/**
 * Plays: writes to `ring`, in the format and channels of the stream's playback, until there is nothing more or the ring
 * is closed. Or returns what gives the parts, as a generator function does.
 */
export type SourceFunction = {
  // A method, so that a function that knows the ring's format fits.
  hook(stream: StreamView, ring: RingBuffer<Format>, ...args: never[]): void | Promise<void> | Parts
}['hook']

/** Records: reads from `ring` until it has ended and is empty. What it leaves when it returns is no loss. */
export type SinkFunction = {
  hook(stream: StreamView, ring: RingBuffer<Format>, ...args: never[]): void | Promise<void>
}['hook']

type Hook = (stream: StreamView, ring: RingBuffer<Format>, ...args: unknown[]) => unknown

/** What runs at the program's end of a ring, for the length of a run. */
export interface Task {
  /** What a user knows it as. */
  readonly name: string
  /** Settles when it is through; rejects with what it threw. */
  readonly done: Promise<void>
  /** Whether it may take its time when the run is over, as what is written to a slow place does. */
  readonly slow?: boolean
  /** Ends it from outside, where that can be done. */
  readonly kill?: () => Promise<unknown>
}

/** The first thing that went wrong in a hook, as the error of its stream. */
export function hookError(name: string, cause: unknown): PastreamError {
  const code = cause instanceof PastreamError ? cause.code : 'ERR_PASTREAM_IO'
  const message = cause instanceof Error ? cause.message : String(cause)
  return new PastreamError(code, `${name} failed: ${message}`, { cause })
}

export function isIterable(value: unknown): value is Parts {
  return typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value)
}

/** Whether going through it once more gives nothing: iterators, generators and Node's streams are their own iterators. */
export function isOnce(parts: Parts): boolean {
  if (Symbol.asyncIterator in parts && 'pipe' in parts) return true
  return 'next' in parts || 'getReader' in parts
}

/** Going through parts: `stop` also ends a step that hangs, where that can be done. */
interface Steps {
  next(): IteratorResult<Samples, unknown> | Promise<IteratorResult<Samples, unknown>>
  stop(): unknown
}

function steps(parts: Parts): Steps {
  if ('getReader' in parts) {
    const reader = (parts as ReadableStream<Samples>).getReader()
    return {
      next: () => reader.read() as Promise<IteratorResult<Samples, unknown>>,
      stop: () => reader.cancel(),
    }
  }
  const iterator = Symbol.asyncIterator in parts ? parts[Symbol.asyncIterator]() : parts[Symbol.iterator]()
  const stop = 'destroy' in parts ? () => (parts as Readable).destroy() : () => iterator.return?.()
  return { next: () => iterator.next(), stop }
}

/** The end of a run, seen by whoever is in a step that may hang: set while there is one. */
interface Ending {
  stop: () => void
}

/** Writes `parts` to `ring` until they are over or the ring is closed; a step that hangs then is left alone. */
async function feed(parts: Parts, ring: RingBuffer<Format>, ending: Ending): Promise<void> {
  const size = ring.elementSize
  const source = steps(parts)
  const next = (): Promise<IteratorResult<Samples, unknown> | undefined> =>
    new Promise((resolve, reject) => {
      ending.stop = () => resolve(undefined)
      Promise.resolve(source.next()).then(resolve, reject)
    })
  let rest = new Uint8Array(0)
  let over = false
  try {
    while (!ring.closed) {
      const step = await next()
      over = step?.done ?? false
      if (!step || step.done) break
      let data = bytesOf(ring.format, step.value)
      if (rest.length > 0) data = joined(rest, data)
      while (data.length >= size && !ring.closed) {
        data = data.subarray(ring.write(data) * size)
        if (data.length >= size) await ring.writable()
      }
      rest = data.slice()
      await turn()
    }
    if (over && rest.length > 0) {
      throw invalid(`it ended in the middle of a frame, after ${rest.length} bytes of ${size}`)
    }
  } finally {
    // Not waited for: it may hang in the step that nobody needs any more.
    if (!over) void Promise.resolve(source.stop()).catch(() => {})
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}

/**
 * Runs a source at its ring, over and over where it is looped, and ends the ring. Of one that fails it stays as it is:
 * whoever runs it aborts the stream, which must not finish before.
 */
export async function runSource(
  hook: Hook,
  stream: StreamView,
  ring: RingBuffer<Format>,
  args: unknown[],
  loop: boolean,
): Promise<void> {
  const ending: Ending = { stop: () => {} }
  void ring.closing().then(() => ending.stop())
  for (;;) {
    const before = ring.written
    const given = hook(stream, ring, ...args)
    if (isIterable(given)) await feed(given, ring, ending)
    else await given
    if (!loop || ring.closed) break
    if (ring.written === before) throw invalid('it gave no frames to loop')
    await ring.writable()
  }
  ring.end()
}

/** Runs a sink at its ring until that has ended. */
export async function runSink(hook: Hook, stream: StreamView, ring: RingBuffer<Format>, args: unknown[]) {
  try {
    await hook(stream, ring, ...args)
    // It has had enough: what still comes is no loss.
    while ((await ring.readable()) > 0) ring.flush()
  } finally {
    ring.close()
  }
}
