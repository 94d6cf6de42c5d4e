import { invalid, PastreamError } from './error.ts'
import {
  arrays,
  bytes,
  bytesOf,
  FORMATS,
  isSamples,
  samples,
  sampleSize,
  type ArrayOf,
  type Codec,
  type Encoding,
  type Format,
  type Samples,
} from './format.ts'
import { interrupt } from './interrupt.ts'
import { call, made, native, settle, settleBytes } from './native.ts'
import { choice, count, defined, natural, nothingElse, type ConversionOptions } from './options.ts'
import type { BindingFile, BindingWriter, FileInfo as BindingInfo, FileOptions } from './binding/binding.js'

/** A kind of file, as `-t` names it. Those from 'mp3' on are read, not written. */
export type Container =
  | 'wav'
  | 'rf64'
  | 'w64'
  | 'aiff'
  | 'au'
  | 'caf'
  | 'raw'
  | 'flac'
  | 'mp3'
  | 'ogg'
  | 'm4a'
  | 'mkv'
  | 'adts'

/** What a file says of its audio. All are read where they are found: WAV, RF64, AU, CAF and FLAC hold all; AIFF title, artist and comment. */
export interface Tags {
  title?: string
  artist?: string
  album?: string
  /** As `YYYY`, `YYYY-MM-DD` or `YYYY-MM-DDTHH:MM:SS`. */
  date?: string
  comment?: string
  /** Its number in the album. */
  track?: string
  /** What is heard; at most 256 bytes in WAV and RF64, whose `bext` chunk has it. */
  description?: string
  /** Who made the recording, or with what; at most 32 bytes in WAV and RF64, whose `bext` chunk has it. */
  originator?: string
  /** Frames from midnight to the first one; of WAV and RF64 (`bext`) 0 is read as none. */
  timeReference?: number
}

/** How any file is written. */
export interface WriterOptions {
  /** What it says of its audio. An error where that kind of file can't hold it; W64 and RAW hold none. */
  tags?: Tags
  /**
   * Add noise (TPDF, two steps wide) where the encoding is PCM and has fewer bits than the samples, or they are float; the same noise with the
   * same `seed`, a whole number from 0 on; `true`: 0. @default false
   */
  dither?: boolean | { seed: number }
}

/** A file that lies in memory; it is copied. */
export type Bytes = Uint8Array | ArrayBuffer | SharedArrayBuffer

/** A file or pipe. To be read, only RAW needs more than its path. */
export interface FileDescription {
  /** Or what is open: a file that stands at its start, or a pipe. */
  path: string | { fd: number }
  /** @default by content when read, by name when written, au for a pipe */
  type?: Container
  /** @default what holds the stream's format */
  encoding?: Encoding
  /** @default 'file': the container's own */
  endian?: 'file' | 'big' | 'little'
  /** Of RAW that is read: samples in a frame. */
  channels?: number
  /** Of RAW that is read: in Hz. */
  sampleRate?: number
}
/** A file or pipe that is read; or one in memory, which is given in place of the path. */
export type FileSource = Omit<FileDescription, 'path'> & { path: FileDescription['path'] | Bytes }
/** A file or pipe to write. */
export interface FileTarget extends Omit<FileDescription, 'channels' | 'sampleRate'>, WriterOptions {
  /**
   * Wait at each header (two a second in a recording) until the disk has all that is before it, so that a power cut costs no more than a
   * killed process: the last second. Without it the system writes when it likes, and the disk has the whole file when it is finished. @default false
   */
  sync?: boolean
  /**
   * `false`: an error (`IO`) where anything is at `path`, also where it came there after that was set; not even a link is written
   * through. Of what is open (`fd`) a pipe alone can have it. @default true
   */
  overwrite?: boolean
}

/** A file or pipe that a stream records to, or several files one after the other. */
export interface FileSink extends FileTarget, ConversionOptions {
  /** Samples in a frame. @default the stream's */
  channels?: number
  /** In Hz. @default the stream's */
  sampleRate?: number
  /**
   * Frames of the stream after which the next file begins, with none lost in between; `Infinity`: only where `stream.split()` asks for one.
   * Each gets a name of its own: `path` with fields of strftime in its last part, as in 'take-%Y%m%d-%H%M%S.wav', filled with the local time at
   * which the file begins; or else with a number, 'take-0001.wav'. A name that was given before, or that is on disk, is passed over for
   * the next number: no file is written over.
   * At another `sampleRate` they are the one recording in parts all the same, bit for bit: each begins with its first frame at or after the
   * border. So many have to last for a frame of the file, at least.
   */
  split?: number
  /**
   * Wait for `stream.trigger()`, and begin with so many frames from before it. They are kept in memory until then. A run that ends without
   * leaves no file.
   */
  preroll?: number
}

/** What `repair` found and did. */
export interface Repair {
  /** What the file is now: a WAV longer than 4 GiB becomes RF64. */
  readonly container: Container
  /** Whether anything was changed. */
  readonly changed: boolean
  /** Whole frames that the header tells now. */
  readonly frames: number
  /** Bytes behind the audio that the header doesn't count, and that stay: a frame that was cut in two, or what another program put there. */
  readonly leftover: number
}

/** What a file holds. */
export interface FileInfo {
  readonly container: Container
  /** Of a compressed file, what it is decoded to: integers as wide as its own where it loses nothing, else float. */
  readonly encoding: Encoding
  /** How it is compressed; undefined where samples lie in it as they are. */
  readonly codec: Codec | undefined
  readonly channels: number
  /** In Hz. */
  readonly sampleRate: number
  /** The length; unknown for most pipes. */
  readonly frames: number | undefined
  /**
   * Frames that the header promises and that are not there, one that is cut included: the file is cut off. Of a compressed one also
   * those read so far that were damaged, and came as silence.
   */
  readonly missing: number
  /** The stream format that takes it unaltered; float32 where none does. */
  readonly format: Format
  /** What the file says of its audio; of a pipe what stands in front of that. */
  readonly tags: Readonly<Tags>
}

function seed(dither: WriterOptions['dither']): number | undefined {
  if (dither === undefined || dither === false) return undefined
  if (dither === true) return 0
  if (typeof dither === 'object' && dither !== null) {
    const { seed: given, ...rest } = dither
    nothingElse(rest)
    if (Number.isSafeInteger(given) && given >= 0) return given
  }
  throw invalid('dither is true, false, or { seed } with a whole number from 0 on')
}

/** Options of a file that is written, as the binding takes them. */
function writerOptions({ tags, dither }: WriterOptions): Pick<FileOptions, 'tags' | 'dither'> {
  const texts = Object.entries(tags ?? {}).filter(([, value]) => value !== undefined)
  for (const [name, value] of texts) {
    if (typeof value !== 'string' && !(name === 'timeReference' && Number.isSafeInteger(value))) {
      throw invalid(`the tag ${name} is ${String(value)}: give a string; of timeReference a whole number of frames`)
    }
  }
  return defined({
    tags: tags && Object.fromEntries(texts.map(([name, value]) => [name, String(value)])),
    dither: seed(dither),
  })
}

function info(told: BindingInfo): FileInfo {
  const { timeReference, ...texts } = told.tags
  const tags = { ...texts, ...(timeReference !== undefined && { timeReference: Number(timeReference) }) }
  return { ...told, tags } as FileInfo
}

/** A sink as the binding takes it. */
export function describeSink({ tags, dither, sync, overwrite, ...file }: FileTarget & FileDescription): FileOptions {
  const how = defined({
    sync: sync === undefined ? undefined : Boolean(sync),
    overwrite: choice('overwrite', overwrite, true, false),
  })
  return { ...describe(file), ...writerOptions({ tags, dither } as WriterOptions), ...how }
}

/** The file of a recording as the binding takes it. */
export function describeRecorded({ split, preroll, ...file }: Omit<FileSink, 'quality' | 'gain'>): FileOptions {
  const cut = {
    split: split === Infinity ? split : natural('split', split, 1, Number.MAX_SAFE_INTEGER),
    preroll: count('preroll', preroll),
  }
  return { ...describeSink(file), ...defined(cut) }
}

/** A description as the binding takes it. */
export function describe(file: FileDescription): FileOptions {
  if (file instanceof SoundFile)
    throw invalid('a SoundFile is open already: only a path, or { path, … }, can be opened')
  const { path, type, encoding, endian, channels, sampleRate, ...rest } = file ?? {}
  nothingElse(rest)
  const kind = defined({
    type,
    encoding,
    endian: choice('endian', endian, 'file', 'big', 'little'),
    channels: natural('channels', channels),
    sampleRate: natural('sampleRate', sampleRate),
  })
  if (typeof path === 'string') return { path, ...kind }
  if (typeof path?.fd === 'number') return { fd: path.fd, ...kind }
  throw invalid('a file has a path: a string, or { fd } of what is open')
}

/** How a file is opened for reading. */
export interface ReadOptions<F extends Format = Format> {
  /** @default 'r' */
  mode?: 'r'
  /** What the samples are converted to. @default info.format */
  format?: F
  /** Ends what is under way: it rejects with the signal's reason, as does all that follows but `close`. */
  signal?: AbortSignal
}

/** How a file is opened for writing. */
export interface WriteOptions<F extends Format = Format> extends WriterOptions {
  mode: 'w'
  /** In Hz. */
  sampleRate: number
  /** Samples in a frame, 1 to 256. */
  channels: number
  /** What the samples are given in, which the encoding follows where none is given. @default 'float32' */
  format?: F
  /** As for reading. What was written until then stays, and `close` finishes the file. */
  signal?: AbortSignal
}

/** What `decode` is called with. */
export interface DecodeOptions<F extends Format = Format> {
  /** What the samples are converted to. @default 'float32' */
  format?: F
  signal?: AbortSignal
}

/** A whole file in memory. */
export interface Decoded<F extends Format = Format> {
  /** Frames × channels, interleaved. */
  readonly data: ArrayOf[F]
  /** In Hz. */
  readonly sampleRate: number
  readonly channels: number
  readonly format: F
  /** Frames that were cut off, or damaged and are silent: see `FileInfo`. */
  readonly missing: number
}

/** How `encode` makes a file. */
export interface EncodeOptions<F extends Format = Format> extends WriterOptions {
  /** In Hz. */
  sampleRate: number
  /** Samples in a frame, 1 to 256. */
  channels: number
  /** @default 'wav' */
  type?: Container
  /** @default what holds `format`; in FLAC pcm_24 for float32 */
  encoding?: Encoding
  /** @default 'file': the container's own */
  endian?: 'file' | 'big' | 'little'
  /** What the samples are. @default by their array; bytes need it */
  format?: F
  signal?: AbortSignal
}

/** Frames that are read at a time where nothing else is said. */
const BLOCK = 65_536
/** Bytes that every Node can have in one array. */
const LARGEST = 2 ** 32

function state(message: string): PastreamError {
  return new PastreamError('ERR_PASTREAM_STREAM_STATE', message)
}

function frameCount(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value
  throw invalid(`${name} is ${String(value)}: give a whole number of frames, at least ${least}`)
}

/**
 * An audio file that is open, for reading or for writing. Calls are done one after the other in the order they were
 * made, awaited or not; one that fails leaves those that follow alone. A file that is read is also a source of streams,
 * which play it from its beginning and move no position here.
 */
export class SoundFile<F extends Format = Format> implements AsyncIterable<ArrayOf[F]>, AsyncDisposable {
  readonly #file: BindingFile | BindingWriter
  readonly #info: FileInfo
  readonly #signal: AbortSignal | undefined
  /** The format of samples that are read or written. */
  readonly format: F
  /** Until all that was asked is done. */
  #last: Promise<unknown> = Promise.resolve()
  #closing?: Promise<void>

  private constructor(file: BindingFile | BindingWriter, format: F | undefined, signal: AbortSignal | undefined) {
    this.#file = file
    this.#info = info(file.info as BindingInfo)
    this.#signal = signal
    this.format = format ?? (this.#info.format as F)
  }

  /** Opens a file, or one in memory, and reads its header. Rejects with `IO`, `UNSUPPORTED_FILE` or `CORRUPT_FILE`. */
  static open<F extends Format = Format>(
    file: string | Bytes | FileSource,
    options?: ReadOptions<F>,
  ): Promise<SoundFile<F>>
  /**
   * Prepares to write a file, of which the name or `type` tells the container. What is there stays as it is until the first `write`, or
   * `close`. FLAC is written in blocks of at most 4096 frames or a quarter of a second, of which the last is on disk after `close`. Rejects with
   * `IO`, or `UNSUPPORTED_FILE` where the container can't hold that.
   */
  static open<F extends Format = 'float32'>(file: string | FileTarget, options: WriteOptions<F>): Promise<SoundFile<F>>
  static async open<F extends Format>(
    file: string | Bytes | FileSource | FileTarget,
    { mode, format, signal, ...rest }: ReadOptions<F> | WriteOptions<F> = {},
  ): Promise<SoundFile<F>> {
    const writes = choice('mode', mode, 'r', 'w') === 'w'
    choice<Format>('format', format, ...FORMATS)
    const described = typeof file === 'string' || isSamples(file) ? { path: file } : file
    const { binding, asked } = writes ? writer(described as FileTarget, rest, format) : reader(described, rest, format)
    signal?.throwIfAborted()
    const cancel = (): void => void (binding instanceof native.BindingFile && binding.close())
    await interrupt(
      settle(() => binding.open()),
      signal,
      cancel,
    )
    return new SoundFile(binding, asked, signal)
  }

  /** What it holds; of one that is written, `frames` is what was written so far. */
  get info(): FileInfo {
    return this.#file.info ? info(this.#file.info) : this.#info
  }

  /** The frame that is read or written next, from 0. */
  get position(): number {
    return this.#file instanceof native.BindingWriter ? (this.#file.info?.frames ?? 0) : this.#file.position
  }

  #reader(): BindingFile {
    if (this.#file instanceof native.BindingFile) return this.#file
    throw state("the file is open for writing: to read it, close it and open it with mode 'r'")
  }

  #writer(): BindingWriter {
    if (this.#file instanceof native.BindingWriter) return this.#file
    throw state("the file is open for reading: to write one, open it with mode 'w'")
  }

  /** Does `work` after all that was asked before, however that ended. */
  async #next<T>(work: () => Promise<T>): Promise<T> {
    this.#signal?.throwIfAborted()
    if (this.#closing) throw state('the file is closed: open it anew')
    const done = this.#last.then(() => {
      this.#signal?.throwIfAborted()
      return work()
    })
    this.#last = done.catch(() => {})
    const cancel = (): void => void (this.#file instanceof native.BindingFile && this.#file.close())
    return interrupt(done, this.#signal, cancel)
  }

  /**
   * Reads the next `frames` frames, fewer only at the end, where the array is empty: frames × channels, interleaved.
   * `Infinity`: all that are left, but at most 4 GiB of samples. A pipe is waited for. After an error a file goes on where it stood.
   */
  async read(frames: number = BLOCK): Promise<ArrayOf[F]> {
    const file = this.#reader()
    const most = Math.floor(LARGEST / (this.#info.channels * sampleSize(this.format)))
    const wanted = Math.min(frames === Infinity ? most : frameCount('frames', frames, 1), most)
    const read = await this.#next(() => settleBytes(() => file.read(wanted, this.format)))
    return samples(this.format, read)
  }

  /**
   * Appends samples: whole frames of `format`, or their bytes, which are not to change meanwhile. Resolves with the frames that were written;
   * the file on disk is whole then. Rejects with `INVALID_ARGUMENT` where they are no whole frames, and nothing is written; with `IO` or
   * `UNSUPPORTED_FILE` where they don't fit any more: `info.frames` tells what is stored.
   */
  async write(data: Samples): Promise<number> {
    const file = this.#writer()
    const frames = bytesOf(this.format, data)
    await this.#next(() => settle(() => file.write(frames)))
    return frames.length / (this.#info.channels * sampleSize(this.format))
  }

  /** Goes on reading at `frame`, from 0; beyond the end is the end. Rejects with `UNSUPPORTED_FILE` for a pipe. */
  async seek(frame: number): Promise<void> {
    const file = this.#reader()
    const wanted = frameCount('frame', frame, 0)
    await this.#next(() => settle(() => file.seek(wanted)))
  }

  /** What follows, in blocks of `size` frames, the last one perhaps shorter. Leaving the loop leaves the file open. */
  async *blocks({ size = BLOCK, ...rest }: { size?: number } = {}): AsyncGenerator<ArrayOf[F], void, undefined> {
    nothingElse(rest)
    frameCount('size', size, 1)
    for (let block = await this.read(size); block.length > 0; block = await this.read(size)) yield block
  }

  /** As `blocks()`. */
  [Symbol.asyncIterator](): AsyncGenerator<ArrayOf[F], void, undefined> {
    return this.blocks()
  }

  /**
   * Closes it once all that was asked before is done; a stream that plays it goes on. A file that is written is completed, and made
   * where nothing was written: rejects where that fails. Safe to call more than once.
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    const file = this.#file
    if (file instanceof native.BindingWriter) {
      await this.#last
      await settle(() => file.close())
    } else {
      // What an aborted read waits for may never come.
      if (!this.#signal?.aborted) await this.#last
      file.close()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** @internal */
  static binding(file: SoundFile): BindingFile {
    if (file.#closing) throw state('the file is closed: open it anew')
    if (file.#file instanceof native.BindingFile) return file.#file
    throw invalid('the file is open for writing: a source is a file that is open for reading, or its path')
  }
}

function reader<F extends Format>(file: FileSource, rest: object, asked: F | undefined) {
  nothingElse(rest)
  const { path } = file ?? {}
  // The path of a file in memory names nothing.
  const described = describe(isSamples(path) ? { ...file, path: '' } : (file as FileDescription))
  const memory = isSamples(path) ? bytes(path) : undefined
  return { binding: call(() => new native.BindingFile(described, memory)), asked }
}

function writer<F extends Format>(
  file: FileTarget,
  rest: WriterOptions & { channels?: number; sampleRate?: number },
  asked: F | undefined,
) {
  const { channels, sampleRate, tags, dither, ...others } = rest
  nothingElse(others)
  const options = { ...describeSink(file), ...writerOptions({ tags, dither } as WriterOptions) }
  const format = asked ?? ('float32' as F)
  return { binding: create(options, format, channels, sampleRate), asked: format }
}

function create(
  options: FileOptions,
  format: Format,
  channels: number | undefined,
  sampleRate: number | undefined,
): BindingWriter {
  const [count, rate] = [natural('channels', channels), natural('sampleRate', sampleRate)]
  if (count === undefined || rate === undefined) {
    throw invalid('a file that is written needs `channels` and `sampleRate`: nothing else tells them')
  }
  return call(() => new native.BindingWriter(options, format, count, rate))
}

/**
 * Reads a whole file, one in memory, or a pipe to its end. One that is cut off, or whose header promises more than there is, gives what is there.
 * Rejects as `SoundFile.open`; with `INVALID_ARGUMENT` where it is longer than one array can be.
 */
export async function decode<F extends Format = 'float32'>(
  file: string | Bytes | FileSource,
  { format = 'float32' as F, signal, ...rest }: DecodeOptions<F> = {},
): Promise<Decoded<F>> {
  nothingElse(rest)
  const opened = await SoundFile.open(file, { format, ...defined({ signal }) })
  try {
    const { sampleRate, channels } = opened.info
    const data = await opened.read(Infinity)
    if (data.byteLength + channels * sampleSize(format) > LARGEST && (await opened.read(1)).length > 0) {
      throw invalid('the file is longer than one array can be, 4 GiB: open it as a SoundFile, and read it in blocks')
    }
    return { data, sampleRate, channels, format, missing: opened.info.missing }
  } finally {
    await opened.close()
  }
}

/** The format whose samples `data` holds, where its kind tells that. */
function formatOf(data: Samples): Format {
  const found = FORMATS.find((format) => arrays[format] !== Uint8Array && data instanceof arrays[format])
  if (found) return found
  throw invalid('bytes say nothing of their samples: give `format`')
}

/**
 * Makes a file in memory of samples: whole frames, or their bytes. Rejects as `SoundFile.open` with mode 'w' and `write` do.
 */
export async function encode<F extends Format>(
  data: Samples,
  { type = 'wav', encoding, endian, channels, sampleRate, format, tags, dither, signal, ...rest }: EncodeOptions<F>,
): Promise<Uint8Array> {
  nothingElse(rest)
  const asked: Format = choice<Format>('format', format, ...FORMATS) ?? formatOf(data)
  const frames = bytesOf(asked, data)
  const options = {
    type,
    ...defined({ encoding, endian: choice('endian', endian, 'file', 'big', 'little') }),
    ...writerOptions({ tags, dither } as WriterOptions),
  }
  const binding = create(options, asked, channels, sampleRate)
  signal?.throwIfAborted()
  const work = async (): Promise<Uint8Array> => {
    await settle(() => binding.open())
    await settle(() => binding.write(frames))
    await settle(() => binding.close())
    return binding.take()
  }
  return interrupt(work(), signal, () => {})
}

/**
 * Makes the header of a recording true that was cut off, in place: WAV, RF64, W64, AIFF, AU or CAF, whoever wrote it. Where the header doesn't know
 * its length, or tells more than there is, all that is there becomes audio; so does what pastream wrote after its last header. Samples are neither changed nor cut
 * off, and a file whose header is true is left as it is. Rejects with `IO`, also where the file is in use; with `UNSUPPORTED_FILE` for other kinds of files;
 * with `CORRUPT_FILE` where the header is cut off itself.
 */
export async function repair(path: string): Promise<Repair> {
  if (typeof path !== 'string') throw invalid(`${String(path)} is no file to repair: give its path`)
  return (await made(() => native.repair(path))) as Repair
}
