import { invalid } from './error.ts'
import { bytes, type Samples } from './format.ts'
import { natural } from './options.ts'
import type { BindingRing } from './binding/binding.js'

// The layout of the memory, in 32-bit words; its twin is crates/pastream/src/ring/header.rs.
const HEADER_BYTES = 256
const MAGIC = 0x52_53_50_31
const VERSION = 1
const SHAPE = { magic: 0, elementSize: 1, capacity: 2, version: 3 } as const
const WRITE_INDEX = 16
const ENDED = 17
const READ_INDEX = 32
const CLOSED = 33
const WANT_READABLE = 48
const WANT_WRITABLE = 49
const MAX_CAPACITY = 2 ** 30
const MAX_ELEMENT = 2 ** 16

/**
 * A ring of whole frames between one writer and one reader. Its memory is a SharedArrayBuffer that native threads
 * use as it is: views are the ring itself, and reading or writing calls nothing native but to wake who waits.
 */
export class RingBuffer {
  /** The memory; a ring over the same memory in a worker is the same ring. */
  readonly memory: SharedArrayBuffer
  /** Bytes of a frame. */
  readonly elementSize: number
  /** Frames that fit. */
  readonly length: number
  readonly #words: Int32Array
  readonly #frames: Uint8Array
  readonly #waiting = new Set<() => void>()
  #native: BindingRing | undefined

  /** A new ring of `size` frames of `elementSize` bytes, or the one that lies in `size`. */
  constructor(elementSize: number, size: number | SharedArrayBuffer) {
    natural('elementSize', elementSize)
    const own = typeof size === 'number'
    if (own) natural('a ring’s size', size)
    if (elementSize > MAX_ELEMENT || (own && size > MAX_CAPACITY)) {
      throw invalid(`a ring holds 1 to ${MAX_CAPACITY} frames of 1 to ${MAX_ELEMENT} bytes`)
    }
    this.memory = own ? new SharedArrayBuffer(HEADER_BYTES + size * elementSize) : size
    if (this.memory.byteLength < HEADER_BYTES) throw invalid('the memory is too short for a ring')
    this.#words = new Int32Array(this.memory, 0, HEADER_BYTES / 4)
    if (own) {
      this.#words[SHAPE.elementSize] = elementSize
      this.#words[SHAPE.capacity] = size
      this.#words[SHAPE.version] = VERSION
      this.#words[SHAPE.magic] = MAGIC
    }
    this.elementSize = elementSize
    this.length = this.#words[SHAPE.capacity] ?? 0
    const whole = this.memory.byteLength === HEADER_BYTES + this.length * elementSize
    const ours = this.#words[SHAPE.magic] === MAGIC && this.#words[SHAPE.version] === VERSION
    if (!ours || !whole || this.#words[SHAPE.elementSize] !== elementSize) {
      throw invalid(`the memory holds no ring with frames of ${elementSize} bytes`)
    }
    this.#frames = new Uint8Array(this.memory, HEADER_BYTES)
  }

  /** @internal Whom to tell when a native thread may wait. */
  connect(native: BindingRing): void {
    this.#native = native
  }

  /** @internal Looks again for everybody who waits here. */
  wake(): void {
    for (const look of this.#waiting) look()
  }

  /** An index is below twice the capacity, so that full and empty differ; what is beyond came from a foreign hand. */
  #index(word: number): number {
    return (Atomics.load(this.#words, word) >>> 0) % (2 * this.length)
  }

  /** Frames that can be read now. */
  get readAvailable(): number {
    const held = this.#index(WRITE_INDEX) - this.#index(READ_INDEX)
    return Math.min(held < 0 ? held + 2 * this.length : held, this.length)
  }

  /** Frames that can be written now; 0 once the reader is through. */
  get writeAvailable(): number {
    return this.closed ? 0 : this.length - this.readAvailable
  }

  /** Whether the writer said that nothing more will come. Ask before `readAvailable`: no frame comes after. */
  get ended(): boolean {
    return Atomics.load(this.#words, ENDED) !== 0
  }

  /** Whether the reader said that it reads no more. */
  get closed(): boolean {
    return Atomics.load(this.#words, CLOSED) !== 0
  }

  /** Says that nothing more will be written. */
  end(): void {
    Atomics.store(this.#words, ENDED, 1)
    this.#tell()
  }

  #parts(index: number, frames: number): [number, Uint8Array, Uint8Array] {
    const start = index % this.length
    const first = Math.min(frames, this.length - start)
    const size = this.elementSize
    return [
      frames,
      this.#frames.subarray(start * size, (start + first) * size),
      this.#frames.subarray(0, (frames - first) * size),
    ]
  }

  /** The next `frames` to read, or as many as there are, in the ring's own memory. */
  getReadBuffers(frames = this.length): [frames: number, part1: Uint8Array, part2: Uint8Array] {
    return this.#parts(this.#index(READ_INDEX), Math.min(frames, this.readAvailable))
  }

  /** Room for the next `frames`, or as many as there is room for, in the ring's own memory. */
  getWriteBuffers(frames = this.length): [frames: number, part1: Uint8Array, part2: Uint8Array] {
    return this.#parts(this.#index(WRITE_INDEX), Math.min(frames, this.writeAvailable))
  }

  /** Gives back `frames` that were read, or as many as there are; returns how many. */
  advanceReadIndex(frames: number): number {
    return this.#advance(READ_INDEX, Math.min(frames, this.readAvailable))
  }

  /** Hands over `frames` that were written, or as many as there is room for; returns how many. */
  advanceWriteIndex(frames: number): number {
    return this.#advance(WRITE_INDEX, Math.min(frames, this.writeAvailable))
  }

  #advance(word: number, frames: number): number {
    Atomics.store(this.#words, word, (this.#index(word) + frames) % (2 * this.length))
    this.#tell()
    return frames
  }

  /** Writes the whole frames of `data` that fit; returns how many. */
  write(data: Samples): number {
    const from = bytes(data)
    const [frames, first, second] = this.getWriteBuffers(Math.floor(from.length / this.elementSize))
    first.set(from.subarray(0, first.length))
    second.set(from.subarray(first.length, first.length + second.length))
    return this.advanceWriteIndex(frames)
  }

  /** Reads as many whole frames as `out` has room for; returns how many. */
  readInto(out: Samples): number {
    const to = bytes(out)
    const [frames, first, second] = this.getReadBuffers(Math.floor(to.length / this.elementSize))
    to.set(first)
    to.set(second, first.length)
    return this.advanceReadIndex(frames)
  }

  /** A copy of the next `frames`, or of as many as there are. */
  read(frames = this.length): Uint8Array {
    const out = new Uint8Array(Math.min(frames, this.readAvailable) * this.elementSize)
    this.readInto(out)
    return out
  }

  /** Forgets what could be read. */
  flush(): void {
    this.advanceReadIndex(this.length)
  }

  /** Waits until `frames` can be read (at most the ring holds), or nothing more will come. Returns what can be read. */
  async readable(frames = 1): Promise<number> {
    const wanted = Math.min(frames, this.length)
    await this.#wait(WANT_READABLE, wanted, () => this.ended || this.readAvailable >= wanted)
    return this.readAvailable
  }

  /** Waits until there is room for `frames` (at most the ring holds), or nobody will read. Returns the room. */
  async writable(frames = 1): Promise<number> {
    const wanted = Math.min(frames, this.length)
    await this.#wait(WANT_WRITABLE, wanted, () => this.closed || this.writeAvailable >= wanted)
    return this.writeAvailable
  }

  async #wait(word: number, frames: number, ready: () => boolean): Promise<void> {
    if (ready()) return
    await new Promise<void>((resolve) => {
      const look = (): void => {
        // The wish first, then one more look: whoever moves an index after it sees the wish.
        Atomics.store(this.#words, word, frames)
        if (!ready()) return
        Atomics.store(this.#words, word, 0)
        this.#waiting.delete(look)
        resolve()
      }
      this.#waiting.add(look)
      look()
      // Whoever waits for this side to move may be content with less, now that it waits as well.
      this.#native?.notify()
    })
  }

  /** Wakes who waits for what has just changed. */
  #tell(): void {
    this.wake()
    const wanted = Atomics.load(this.#words, WANT_READABLE) | Atomics.load(this.#words, WANT_WRITABLE)
    if (wanted !== 0) this.#native?.notify()
  }
}
