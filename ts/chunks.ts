import { invalid } from './error.ts'
import { arrays, bytesOf, sampleSize, samples, silence, type Format, type SampleArray } from './format.ts'
import { turn } from './interrupt.ts'
import { natural, nothingElse } from './options.ts'
import { Recording } from './recording.ts'
import type { RingBuffer } from './ring.ts'

const BUFFER_SIZE = 65_536

/** How a recording is cut. */
export interface Cut {
  /** Frames of a chunk, its overlap included. @default as many as `out` holds, else the stream's block size; without one, what there is */
  size?: number
  /** Frames that a chunk repeats from the one before. @default 0 */
  overlap?: number
  /** Frames of the ring between device and loop. @default 65536, at least two chunks */
  bufferSize?: number
  /** Memory that every chunk is copied to, in the stream's format: what the loop gets is a view of it. */
  out?: SampleArray
  /** Give each chunk as an array of channels. @default false */
  planar?: boolean
  /** Fill the last chunk up to `size` with silence. @default false */
  padLast?: boolean
}

/** Asks for chunks as arrays of channels. */
export interface Planar {
  planar: true
}

/** What chunks need of the stream they are of. */
export interface Recorder {
  readonly format: Format
  readonly channels: number
  readonly blockSize: number
  readonly sampleRate: number
  /** Frames that the recording leaves out at its start. */
  readonly offset: number
  /** Starts a run that is recorded. */
  start(recording: Recording<Format>): Promise<void>
  /** The end of the run. */
  wait(): Promise<unknown>
  stop(): Promise<void>
  /** Ends the run at once, when `signal` does. */
  abort(): void
  readonly signal: AbortSignal | undefined
}

/**
 * A recording, chunk by chunk: frames × channels, interleaved, or an array of channels. Interleaved chunks lie in the ring
 * itself where they can; all are valid until the next step. Leaving the loop stops the stream; a failure of the stream is
 * thrown when what came before is delivered.
 */
export class Chunks<T = SampleArray> implements AsyncIterableIterator<T> {
  readonly #recorder: Recorder
  readonly #size: number | undefined
  readonly #overlap: number
  readonly #padLast: boolean
  readonly #recording: Recording<Format>
  readonly #memory: Memory
  readonly #steps: AsyncGenerator<T, undefined, undefined>
  #frame = 0
  #lost = 0
  #totalLost = 0

  /** @internal */
  constructor(recorder: Recorder, cut: Cut) {
    const { size, overlap = 0, bufferSize = BUFFER_SIZE, out, planar = false, padLast = false, ...rest } = cut
    nothingElse(rest)
    if (out && planar) throw invalid('`out` holds interleaved chunks: leave out `planar`, or `out`')
    const { channels, format } = recorder
    const frameSize = channels * sampleSize(format)
    const room = out && Math.floor(bytesOf(format, out).length / frameSize)
    this.#recorder = recorder
    this.#size = natural('size', size) ?? room ?? (recorder.blockSize || undefined)
    this.#overlap = natural('overlap', overlap, 0) ?? 0
    this.#padLast = padLast
    if (this.#overlap > 0 && this.#size === undefined) {
      throw invalid('an overlap needs a size: the stream’s blocks vary, so give `size`')
    }
    if (padLast && this.#size === undefined) throw invalid('`padLast` needs a size: give `size`')
    if (this.#size !== undefined && this.#overlap >= this.#size) {
      throw invalid(`overlap ${this.#overlap} is not below the size ${this.#size}: a chunk would bring nothing new`)
    }
    if (room !== undefined && room < (this.#size ?? 1)) {
      throw invalid(`\`out\` holds ${room} frames, a chunk has ${this.#size}: give more memory, or a smaller size`)
    }
    const length = Math.max(natural('bufferSize', bufferSize) ?? 0, 2 * (this.#size ?? 1))
    this.#recording = new Recording(frameSize, length, format)
    this.#memory = new Memory(format, channels, planar, out)
    this.#steps = this.#run()
  }

  /** Where the chunk begins: frames of the stream before it, lost ones included; the overlap ahead of all is negative. */
  get frame(): number {
    return this.#frame
  }

  /** The same in seconds of the stream. */
  get time(): number {
    return this.#frame / this.#recorder.sampleRate
  }

  /** Frames that were lost since the chunk before, in or before this one; after the end, all of them. */
  get lost(): number {
    return this.#lost
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return this.#steps.next()
  }

  return(): Promise<IteratorResult<T, undefined>> {
    return this.#steps.return(undefined)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async *#run(): AsyncGenerator<T, undefined, undefined> {
    const { format, channels, signal } = this.#recorder
    const abort = (): void => this.#recorder.abort()
    const [size, overlap, ring, memory] = [this.#size, this.#overlap, this.#recording.frames, this.#memory]
    ring.write(new Uint8Array(overlap * ring.elementSize).fill(silence(format)))
    await this.#recorder.start(this.#recording)
    // Also holds the process open while the loop waits.
    const over = this.#recorder.wait()
    over.catch(() => {}) // thrown below
    let delivered = 0
    signal?.addEventListener('abort', abort)
    try {
      for (;;) {
        await turn()
        await ring.readable(size ?? 1)
        signal?.throwIfAborted()
        // Where chunks vary none wraps.
        const [frames, first, second] = this.#next(ring)
        const fresh = frames - overlap
        if (fresh <= 0) break
        this.#account(delivered, delivered + fresh)
        const short = this.#padLast && size !== undefined && frames < size
        yield memory.chunk(first, second, (short ? size : frames) * channels) as T
        delivered += fresh
        ring.advanceReadIndex(fresh)
      }
      this.#account(delivered, Number.MAX_SAFE_INTEGER)
      this.#lost = this.#totalLost
    } finally {
      signal?.removeEventListener('abort', abort)
      await this.#recorder.stop()
      await over
    }
    return undefined
  }

  #next(ring: RingBuffer<Format>): [frames: number, first: SampleArray, second: SampleArray] {
    const [frames, first, second] = ring.getReadBuffers(this.#size)
    if (this.#size !== undefined) return [frames, first, second]
    return [first.byteLength / ring.elementSize, first, second.subarray(0, 0)]
  }

  /** Counts the gaps before frame `end` of those that were delivered, where the chunk's own begin at `start`. */
  #account(start: number, end: number): void {
    let before = 0
    const lostBefore = this.#totalLost
    for (;;) {
      const gap = this.#recording.gap(end)
      if (!gap) break
      this.#totalLost += gap.length
      if (gap.position <= start) before += gap.length
    }
    this.#lost = this.#totalLost - lostBefore
    // What it repeats of the chunk before lies ahead of what is new.
    this.#frame = this.#recorder.offset + start + lostBefore + before - this.#overlap
  }
}

/** Where chunks lie that can't stay in the ring: reused from one to the next. */
class Memory {
  readonly #format: Format
  readonly #channels: number
  readonly #planar: boolean
  readonly #out: boolean
  #samples: SampleArray
  #planes: SampleArray[] = []

  constructor(format: Format, channels: number, planar: boolean, out: SampleArray | undefined) {
    this.#format = format
    this.#channels = channels
    this.#planar = planar
    this.#out = out !== undefined
    this.#samples = out ? samples(format, bytesOf(format, out)) : new arrays[format](0)
  }

  /** The chunk of two parts, filled up with silence to `length` samples. */
  chunk(first: SampleArray, second: SampleArray, length: number): SampleArray | SampleArray[] {
    const width = this.#format === 'int24' ? 3 : 1
    const whole = second.length === 0 && first.length === length * width
    if (whole && !this.#out && !this.#planar) return first
    if (this.#planar) return this.#split([first, second], length / this.#channels, width)
    if (this.#samples.length < length * width) this.#samples = new arrays[this.#format](length * width)
    const chunk = this.#samples.subarray(0, length * width)
    chunk.set(first)
    chunk.set(second, first.length)
    return chunk.fill(silence(this.#format), first.length + second.length)
  }

  #split(parts: readonly SampleArray[], frames: number, width: number): SampleArray[] {
    const channels = this.#channels
    if ((this.#planes[0]?.length ?? -1) < frames * width) {
      this.#planes = Array.from({ length: channels }, () => new arrays[this.#format](frames * width))
    }
    const planes = this.#planes.map((plane) => plane.subarray(0, frames * width))
    let frame = 0
    for (const part of parts) {
      const count = part.length / width / channels
      for (const [channel, plane] of planes.entries()) {
        for (let at = 0; at < count; at++) {
          for (let byte = 0; byte < width; byte++) {
            plane[(frame + at) * width + byte] = part[(at * channels + channel) * width + byte] ?? 0
          }
        }
      }
      frame += count
    }
    for (const plane of planes) plane.fill(silence(this.#format), frame * width)
    return planes
  }
}
