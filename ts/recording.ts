import { silence, type Format } from './format.ts'
import { turn } from './interrupt.ts'
import { RingBuffer } from './ring.ts'

/** Gaps that wait for the reader, at most; while there is no room for one the last gap grows. */
const GAPS = 1024
/** Position and length, 64 bits each. */
const GAP_BYTES = 16

/** Frames that are missing. */
export interface Lost {
  /** Frames that were delivered before. */
  readonly position: number
  readonly length: number
}

/** The reader's end of a recording: a ring of its frames, and one of the gaps between them. */
export class Recording<F extends Format> {
  readonly frames: RingBuffer<F>
  readonly gaps = new RingBuffer(GAP_BYTES, GAPS)
  #next: Lost | undefined

  constructor(elementSize: number, length: number, format: F) {
    this.frames = new RingBuffer(elementSize, length, format)
  }

  /** The next gap that lies before delivered frame `end`. Ask after the frames: theirs are there by then. */
  gap(end: number): Lost | undefined {
    this.#next ??= this.#read()
    if (!this.#next || this.#next.position >= end) return undefined
    const gap = this.#next
    this.#next = undefined
    return gap
  }

  #read(): Lost | undefined {
    if (this.gaps.readAvailable === 0) return undefined
    const [position = 0n, length = 0n] = new BigUint64Array(this.gaps.read(1).buffer)
    return { position: Number(position), length: Number(length) }
  }

  /** All of it as bytes, copied, with silence where frames are missing; as much as there is, at most `most` frames. */
  async *bytes(most: number): AsyncGenerator<Buffer<ArrayBuffer>, void, undefined> {
    const { frames } = this
    const size = frames.elementSize
    const silent = silence(frames.format)
    let taken = 0
    for (;;) {
      await turn()
      const available = await frames.readable()
      const gap = this.gap(available === 0 ? Number.POSITIVE_INFINITY : taken + Math.min(available, most))
      const until = gap ? gap.position - taken : most
      if (until > 0 && available > 0) {
        const part = frames.read(Math.min(until, most))
        taken += part.byteLength / size
        yield Buffer.from(part.buffer as ArrayBuffer)
      }
      for (let left = gap?.length ?? 0; left > 0; left -= most) yield Buffer.alloc(Math.min(left, most) * size, silent)
      if (available === 0 && !gap) return
    }
  }
}
