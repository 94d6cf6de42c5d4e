import { invalid } from './error.ts'
import { samples, silence, type Format, type SampleArray } from './format.ts'
import { natural, nothingElse } from './options.ts'
import { RingBuffer } from './ring.ts'

/** Gaps that wait for the reader, at most; while there is no room for one the last gap grows. */
const GAPS = 1024
/** Position and length, 64 bits each. */
const GAP_BYTES = 16
const BUFFER_SIZE = 65_536

/** How a recording is cut. */
export interface Cut {
  /** Frames of a chunk, its overlap included. @default the stream's block size; without one, what there is */
  size?: number
  /** Frames that a chunk repeats from the one before. @default 0 */
  overlap?: number
  /** Frames of the ring between device and loop. @default 65536, at least two chunks */
  bufferSize?: number
}

/** What chunks need of the stream they are of. */
export interface Recorder {
  readonly format: Format
  readonly frameSize: number
  readonly blockSize: number
  /** Frames that the recording leaves out at its start. */
  readonly offset: number
  /** Starts to record into `frames`, and tells in `gaps` what it lost. */
  start(frames: RingBuffer, gaps: RingBuffer): Promise<void>
  /** The end of the run. */
  wait(): Promise<unknown>
  stop(): Promise<void>
}

/**
 * A recording, chunk by chunk: interleaved samples that lie in the ring itself where they can, valid until the next
 * step. Leaving the loop stops the stream; a failure of the stream is thrown when what came before is delivered.
 */
export class Chunks implements AsyncIterableIterator<SampleArray> {
  readonly #steps: AsyncGenerator<SampleArray, undefined, undefined>
  readonly #recorder: Recorder
  readonly #size: number | undefined
  readonly #overlap: number
  readonly #ring: RingBuffer
  readonly #gaps: RingBuffer
  #nextGap: { position: number; length: number } | undefined
  #frame = 0
  #lost = 0
  #totalLost = 0

  /** @internal */
  constructor(recorder: Recorder, { size, overlap = 0, bufferSize = BUFFER_SIZE, ...rest }: Cut) {
    nothingElse(rest)
    this.#recorder = recorder
    this.#size = natural('size', size) ?? (recorder.blockSize || undefined)
    this.#overlap = natural('overlap', overlap, 0) ?? 0
    if (this.#overlap > 0 && this.#size === undefined) {
      throw invalid('an overlap needs a size: the stream’s blocks vary, so give `size`')
    }
    if (this.#size !== undefined && this.#overlap >= this.#size) {
      throw invalid(`overlap ${this.#overlap} is not below the size ${this.#size}: a chunk would bring nothing new`)
    }
    const room = Math.max(natural('bufferSize', bufferSize) ?? 0, 2 * (this.#size ?? 1))
    this.#ring = new RingBuffer(recorder.frameSize, room)
    this.#gaps = new RingBuffer(GAP_BYTES, GAPS)
    this.#steps = this.#run()
  }

  /** Where the chunk begins: frames of the stream before it, lost ones included; the overlap ahead of all is negative. */
  get frame(): number {
    return this.#frame
  }

  /** Frames that were lost since the chunk before, in or before this one; after the end, all of them. */
  get lost(): number {
    return this.#lost
  }

  next(): Promise<IteratorResult<SampleArray, undefined>> {
    return this.#steps.next()
  }

  return(): Promise<IteratorResult<SampleArray, undefined>> {
    return this.#steps.return(undefined)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async *#run(): AsyncGenerator<SampleArray, undefined, undefined> {
    const { format, frameSize } = this.#recorder
    const [size, overlap, ring] = [this.#size, this.#overlap, this.#ring]
    ring.write(new Uint8Array(overlap * frameSize).fill(silence(format)))
    await this.#recorder.start(ring, this.#gaps)
    // Also holds the process open while the loop waits.
    const over = this.#recorder.wait()
    over.catch(() => {}) // thrown below
    const joined = new Uint8Array((size ?? 0) * frameSize)
    let delivered = 0
    try {
      for (;;) {
        await ring.readable(size ?? 1)
        const [, first, second] = ring.getReadBuffers(size)
        let chunk = first
        if (size !== undefined && second.length > 0) {
          joined.set(first)
          joined.set(second, first.length)
          chunk = joined.subarray(0, first.length + second.length)
        }
        const fresh = chunk.length / frameSize - overlap
        if (fresh <= 0) break
        this.#account(delivered, delivered + fresh)
        yield samples(format, chunk)
        delivered += fresh
        ring.advanceReadIndex(fresh)
      }
      this.#account(delivered, Number.MAX_SAFE_INTEGER)
      this.#lost = this.#totalLost
    } finally {
      await this.#recorder.stop()
      await over
    }
    return undefined
  }

  /** Counts the gaps before frame `end` of those that were delivered, where the chunk's own begin at `start`. */
  #account(start: number, end: number): void {
    let before = 0
    const lostBefore = this.#totalLost
    for (;;) {
      this.#nextGap ??= this.#readGap()
      if (!this.#nextGap || this.#nextGap.position >= end) break
      const { position, length } = this.#nextGap
      this.#nextGap = undefined
      this.#totalLost += length
      if (position <= start) before += length
    }
    this.#lost = this.#totalLost - lostBefore
    // What it repeats of the chunk before lies ahead of what is new.
    this.#frame = this.#recorder.offset + start + lostBefore + before - this.#overlap
  }

  #readGap(): { position: number; length: number } | undefined {
    if (this.#gaps.readAvailable === 0) return undefined
    const [position = 0n, length = 0n] = new BigUint64Array(this.#gaps.read(1).buffer)
    return { position: Number(position), length: Number(length) }
  }
}
