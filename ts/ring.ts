import { isMainThread } from 'node:worker_threads'
import { invalid } from './error.ts'
import { arrays, bytes, bytesOf, FORMATS, sampleSize, type ArrayOf, type Format, type Samples } from './format.ts'
import { call, native } from './native.ts'
import { count, natural, seconds } from './options.ts'
import { FOR_EVER, interrupt, type Interruptible } from './interrupt.ts'
import type { BindingRing } from './binding/binding.js'

// The layout of the memory, in 32-bit words; its twin is crates/pastream/src/ring/header.rs.
const HEADER_BYTES = 256
const MAGIC = 0x52_53_50_31
const VERSION = 1
/** `format`: 0 for bytes, else its place in FORMATS, from 1. */
const SHAPE = { magic: 0, elementSize: 1, capacity: 2, version: 3, format: 4 } as const
const WRITE_INDEX = 16
const ENDED = 17
const READ_INDEX = 32
const CLOSED = 33
const READER_AWAY = 34
const WANT_READABLE = 48
const WANT_WRITABLE = 49
const MAX_CAPACITY = 2 ** 30
const MAX_ELEMENT = 2 ** 16
/** A blocked worker comes back to JavaScript so often, so that it can be terminated. */
const BLOCK_MS = 250

/** What a ring of a format gives views as; one of none gives bytes. */
export type View<F extends Format | undefined> = F extends Format ? ArrayOf[F] : Uint8Array

interface Wait {
  /** The wish in the header; none where only an end is waited for, which everybody is told of. */
  readonly word: number | undefined
  readonly frames: number
  readonly ready: () => boolean
  readonly resolve: () => void
}

/** Rings that somebody waits at: held, so that the wait ends, with the process. */
const awaited = new Set<RingBuffer<Format | undefined>>()
let holding: NodeJS.Timeout | undefined

/** Wakes a ring that it does not keep: a function of its own, since closures keep all that one of their scope uses. */
function waker(ring: RingBuffer<Format | undefined>): () => void {
  const weak = new WeakRef(ring)
  return () => weak.deref()?.wake()
}

/**
 * A ring of whole frames between one writer and one reader, each in a thread of its own if need be. Its memory is a
 * SharedArrayBuffer that native threads use as it is: views are the ring itself, and reading or writing calls nothing
 * native but to wake who waits.
 */
export class RingBuffer<F extends Format | undefined = undefined> {
  /** The memory. Posted to another thread, `RingBuffer.from(memory)` is the same ring there. */
  readonly memory: SharedArrayBuffer
  /** Bytes of a frame. */
  readonly elementSize: number
  /** Frames that fit. */
  readonly length: number
  /** The samples of the views; bytes where there is none. */
  readonly format: F
  readonly #words: Int32Array
  readonly #bytes: Uint8Array
  readonly #waits = new Set<Wait>()
  #binding: BindingRing | undefined
  /** @internal Frames that were written through this object. */
  written = 0

  /** A new ring of `size` frames of `elementSize` bytes, or the one that lies in `size`. Its views are of `format`. */
  constructor(elementSize: number, size: number | SharedArrayBuffer, format?: F) {
    natural('elementSize', elementSize)
    const own = typeof size === 'number'
    if (own) natural('a ring’s size', size)
    if (elementSize > MAX_ELEMENT || (own && size > MAX_CAPACITY)) {
      throw invalid(`a ring holds 1 to ${MAX_CAPACITY} frames of 1 to ${MAX_ELEMENT} bytes`)
    }
    const known = format === undefined ? 0 : FORMATS.indexOf(format) + 1
    if (format !== undefined && (known === 0 || elementSize % sampleSize(format) !== 0)) {
      throw invalid(`frames of ${elementSize} bytes are no whole number of samples of ${format}`)
    }
    this.memory = own ? new SharedArrayBuffer(HEADER_BYTES + size * elementSize) : size
    if (this.memory.byteLength < HEADER_BYTES) throw invalid('the memory is too short for a ring')
    this.#words = new Int32Array(this.memory, 0, HEADER_BYTES / 4)
    this.#bytes = new Uint8Array(this.memory, HEADER_BYTES)
    if (own) {
      // Written, though it is zero: the callback must not be the first to touch a page.
      this.#bytes.fill(0)
      this.#words[SHAPE.elementSize] = elementSize
      this.#words[SHAPE.capacity] = size
      this.#words[SHAPE.version] = VERSION
      this.#words[SHAPE.format] = known
      this.#words[SHAPE.magic] = MAGIC
    }
    this.elementSize = elementSize
    this.format = format as F
    this.length = this.#words[SHAPE.capacity] ?? 0
    const whole = this.memory.byteLength === HEADER_BYTES + this.length * elementSize
    const ours = this.#words[SHAPE.magic] === MAGIC && this.#words[SHAPE.version] === VERSION
    if (!ours || !whole || this.#words[SHAPE.elementSize] !== elementSize) {
      throw invalid(`the memory holds no ring with frames of ${elementSize} bytes`)
    }
  }

  /** The ring that lies in `memory`, with views of the format that it was made with. */
  static from<F extends Format | undefined = Format | undefined>(memory: SharedArrayBuffer): RingBuffer<F> {
    if (!(memory instanceof SharedArrayBuffer) || memory.byteLength < HEADER_BYTES) {
      throw invalid('a ring lies in a SharedArrayBuffer: post `ring.memory`')
    }
    const words = new Int32Array(memory, 0, HEADER_BYTES / 4)
    const format = FORMATS[(words[SHAPE.format] ?? 0) - 1] as F
    return new RingBuffer<F>(words[SHAPE.elementSize] ?? 0, memory, format)
  }

  /** @internal Made when it is first needed. */
  get binding(): BindingRing {
    return (this.#binding ??= call(() => new native.BindingRing(new Uint8Array(this.memory), waker(this))))
  }

  /** @internal Looks again for everybody who waits here. */
  wake(): void {
    for (const word of new Set(Array.from(this.#waits, (wait) => wait.word))) this.#look(word)
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

  /** @internal Says that the reader is on its way: a run that records here begins once it is there. */
  set readerAway(away: boolean) {
    Atomics.store(this.#words, READER_AWAY, Number(away))
  }

  /** Says that nothing more will be written: the writer's last word. */
  end(): void {
    Atomics.store(this.#words, ENDED, 1)
    this.#tell()
  }

  /** Says that nothing more will be read: writes take nothing from now on. */
  close(): void {
    Atomics.store(this.#words, CLOSED, 1)
    this.#tell()
  }

  #parts(index: number, frames: number): [frames: number, part1: View<F>, part2: View<F>] {
    const start = index % this.length
    const first = Math.min(frames, this.length - start)
    return [frames, this.#view(start, first), this.#view(0, frames - first)]
  }

  #view(start: number, frames: number): View<F> {
    const Type = arrays[this.format ?? 'uint8']
    const { elementSize, memory } = this
    const samples = (frames * elementSize) / Type.BYTES_PER_ELEMENT
    return new Type(memory as ArrayBufferLike as ArrayBuffer, HEADER_BYTES + start * elementSize, samples) as View<F>
  }

  /** A count of frames, at most those that fit. */
  #count(frames: number): number {
    return frames === Number.POSITIVE_INFINITY ? this.length : Math.min(count('frames', frames) ?? 0, this.length)
  }

  /** The next `frames` to read, or as many as there are, in the ring's own memory. */
  getReadBuffers(frames = this.length): [frames: number, part1: View<F>, part2: View<F>] {
    return this.#parts(this.#index(READ_INDEX), Math.min(this.#count(frames), this.readAvailable))
  }

  /** Room for the next `frames`, or as many as there is room for, in the ring's own memory. */
  getWriteBuffers(frames = this.length): [frames: number, part1: View<F>, part2: View<F>] {
    return this.#parts(this.#index(WRITE_INDEX), Math.min(this.#count(frames), this.writeAvailable))
  }

  /** Gives back `frames` that were read, or as many as there are; returns how many. */
  advanceReadIndex(frames: number): number {
    return this.#advance(READ_INDEX, Math.min(this.#count(frames), this.readAvailable))
  }

  /** Hands over `frames` that were written, or as many as there is room for; returns how many. */
  advanceWriteIndex(frames: number): number {
    const moved = this.#advance(WRITE_INDEX, Math.min(this.#count(frames), this.writeAvailable))
    this.written += moved
    return moved
  }

  #advance(word: number, frames: number): number {
    Atomics.store(this.#words, word, (this.#index(word) + frames) % (2 * this.length))
    this.#tell()
    return frames
  }

  /** Writes the whole frames of `data` that fit; returns how many. */
  write(data: Samples): number {
    const from = this.format === undefined ? bytes(data) : bytesOf(this.format, data)
    const size = this.elementSize
    const frames = Math.min(Math.floor(from.length / size), this.writeAvailable)
    const start = this.#index(WRITE_INDEX) % this.length
    const first = Math.min(frames, this.length - start) * size
    this.#bytes.set(from.subarray(0, first), start * size)
    this.#bytes.set(from.subarray(first, frames * size))
    return this.advanceWriteIndex(frames)
  }

  /** Reads as many whole frames as `out` has room for; returns how many. */
  readInto(out: Samples): number {
    const to = this.format === undefined ? bytes(out) : bytesOf(this.format, out)
    const size = this.elementSize
    const frames = Math.min(Math.floor(to.length / size), this.readAvailable)
    const start = this.#index(READ_INDEX) % this.length
    const first = Math.min(frames, this.length - start) * size
    to.set(this.#bytes.subarray(start * size, start * size + first))
    to.set(this.#bytes.subarray(0, frames * size - first), first)
    return this.advanceReadIndex(frames)
  }

  /** A copy of the next `frames`, or of as many as there are. */
  read(frames = this.length): View<F> {
    const Type = arrays[this.format ?? 'uint8']
    const size = Math.min(this.#count(frames), this.readAvailable) * this.elementSize
    const out = new Type(size / Type.BYTES_PER_ELEMENT) as View<F>
    this.readInto(out)
    return out
  }

  /** Forgets what could be read. */
  flush(): void {
    this.advanceReadIndex(this.length)
  }

  #canRead(frames: number): boolean {
    return this.ended || this.closed || this.readAvailable >= frames
  }

  #canWrite(frames: number): boolean {
    return this.closed || this.writeAvailable >= frames
  }

  /**
   * Waits until `frames` can be read (at most the ring holds), or nothing more will come. Returns what can be read.
   * Where the writer waits for room, too, ask for no more than half a ring each.
   */
  async readable(frames = 1, { signal }: Interruptible = {}): Promise<number> {
    const wanted = this.#count(frames)
    await this.#wait(WANT_READABLE, wanted, () => this.#canRead(wanted), signal)
    return this.readAvailable
  }

  /** Waits until there is room for `frames` (at most the ring holds), or nobody will read. Returns the room. */
  async writable(frames = 1, { signal }: Interruptible = {}): Promise<number> {
    const wanted = this.#count(frames)
    await this.#wait(WANT_WRITABLE, wanted, () => this.#canWrite(wanted), signal)
    return this.writeAvailable
  }

  /**
   * As `readable`, but blocks the thread, at most for `timeout` seconds. Sleeps until it is woken. Only in workers: the
   * main thread would stand still.
   */
  waitReadable(frames = 1, timeout?: number): number {
    const wanted = this.#count(frames)
    const wait = (milliseconds: number): void => this.binding.waitReadable(wanted, milliseconds)
    this.#block('readable', () => this.#canRead(wanted), wait, timeout)
    return this.readAvailable
  }

  /** As `writable`, but blocks the thread: see `waitReadable`. */
  waitWritable(frames = 1, timeout?: number): number {
    const wanted = this.#count(frames)
    const wait = (milliseconds: number): void => this.binding.waitWritable(wanted, milliseconds)
    this.#block('writable', () => this.#canWrite(wanted), wait, timeout)
    return this.writeAvailable
  }

  /** @internal Resolves when nobody will read any more. */
  closing(): Promise<void> {
    return this.#wait(undefined, 0, () => this.closed)
  }

  #block(name: string, ready: () => boolean, wait: (milliseconds: number) => void, timeout?: number): void {
    if (isMainThread) throw invalid(`a wait would block the main thread: use \`await ring.${name}()\` there`)
    const end = performance.now() + 1000 * (seconds('timeout', timeout) ?? Number.POSITIVE_INFINITY)
    while (!ready()) {
      const left = end - performance.now()
      if (left <= 0) break
      wait(Math.ceil(Math.min(left, BLOCK_MS)))
    }
    // The binding took the wish of whoever waits here back.
    this.wake()
  }

  async #wait(word: number | undefined, frames: number, ready: () => boolean, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (ready()) return
    const { binding } = this
    let mine: Wait | undefined
    const waited = new Promise<void>((resolve) => {
      mine = { word, frames, ready, resolve }
      this.#waits.add(mine)
    })
    awaited.add(this)
    holding ??= setInterval(() => {}, FOR_EVER)
    this.#look(word)
    // Whoever waits for this side to move may be content with less, now that it waits as well.
    binding.notify()
    try {
      await interrupt(waited, signal)
    } finally {
      if (mine && this.#waits.delete(mine)) this.#announce(word)
      if (this.#waits.size === 0) awaited.delete(this)
      if (awaited.size === 0) {
        clearInterval(holding)
        holding = undefined
      }
    }
  }

  /** Says in the header what is wished for, by the least demanding of those who wait. */
  #announce(word: number | undefined): void {
    if (word === undefined) return
    const wishes = Array.from(this.#waits, (wait) => (wait.word === word ? wait.frames : Number.POSITIVE_INFINITY))
    const least = Math.min(...wishes)
    Atomics.store(this.#words, word, Number.isFinite(least) ? least : 0)
  }

  #look(word: number | undefined): void {
    // The wish first, then one more look: whoever moves an index after it sees the wish.
    this.#announce(word)
    let met = false
    for (const wait of this.#waits) {
      if (wait.word !== word || !wait.ready()) continue
      this.#waits.delete(wait)
      wait.resolve()
      met = true
    }
    if (met) this.#announce(word)
  }

  /** Wakes who waits for what is there now. */
  #tell(): void {
    this.wake()
    const [readable, writable] = [
      Atomics.load(this.#words, WANT_READABLE) >>> 0,
      Atomics.load(this.#words, WANT_WRITABLE) >>> 0,
    ]
    if (readable === 0 && writable === 0) return
    const [done, held] = [this.ended || this.closed, this.readAvailable]
    const readers = readable !== 0 && held >= Math.min(readable, this.length)
    const writers = writable !== 0 && this.length - held >= Math.min(writable, this.length)
    if (done || readers || writers) this.binding.notify()
  }
}
