import { invalid } from './error.ts'
import type { Encoding, Format } from './format.ts'
import { call, native, settle } from './native.ts'
import { choice, defined, natural, nothingElse } from './options.ts'
import type { BindingFile, FileOptions } from './binding/binding.js'

/** A kind of file, as `-t` names it. */
export type Container = 'wav' | 'au' | 'raw'

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
export type FileSource = FileDescription
export type FileSink = Omit<FileDescription, 'channels' | 'sampleRate'>

/** What a file holds. */
export interface FileInfo {
  readonly container: Container
  readonly encoding: Encoding
  readonly channels: number
  /** In Hz. */
  readonly sampleRate: number
  /** The length; unknown for most pipes. */
  readonly frames: number | undefined
  /** Frames that the header promises and that are not there: the file is cut off. */
  readonly missing: number
  /** The stream format that takes it unaltered; float32 where none does. */
  readonly format: Format
}

/** A description as the binding takes it. */
export function describe(file: FileDescription): FileOptions {
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

/** An audio file that is open for reading, and a source of streams. */
export class SoundFile implements AsyncDisposable {
  readonly #binding: BindingFile
  readonly info: FileInfo

  private constructor(binding: BindingFile) {
    this.#binding = binding
    this.info = binding.info as FileInfo
  }

  /** Opens a file and reads its header. Rejects with `IO`, `UNSUPPORTED_FILE` or `CORRUPT_FILE`. */
  static async open(file: string | FileSource): Promise<SoundFile> {
    const options = describe(typeof file === 'string' ? { path: file } : file)
    const binding = call(() => new native.BindingFile(options))
    await settle(() => binding.open())
    return new SoundFile(binding)
  }

  /** Closes it; a stream that plays it goes on. Safe to call more than once. */
  async close(): Promise<void> {
    this.#binding.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** @internal */
  static binding(file: SoundFile): BindingFile {
    return file.#binding
  }
}
