import { invalid } from './error.ts'
import type { Encoding, Format } from './format.ts'
import { call, native, settle } from './native.ts'
import type { BindingFile, FileOptions } from './binding/binding.js'

export type Container = 'wav' | 'au' | 'raw'

/** A file or pipe. Only RAW needs more than its path to be read. */
export interface FileDescription {
  path: string | { fd: number }
  type?: Container
  encoding?: Encoding
  endian?: 'file' | 'big' | 'little'
  channels?: number
  /** In Hz. */
  sampleRate?: number
}
export type FileSource = FileDescription
export type FileSink = FileDescription

export interface FileInfo {
  readonly container: Container
  readonly encoding: Encoding
  readonly channels: number
  readonly sampleRate: number
  /** The length; unknown for most pipes. */
  readonly frames: number | undefined
  /** The stream format that takes it unaltered. */
  readonly format: Format
}

export function describe({ path, ...rest }: FileDescription): FileOptions {
  if (typeof path === 'string') return { path, ...rest }
  if (typeof path?.fd === 'number') return { fd: path.fd, ...rest }
  throw invalid('a file has a path: a string, or { fd } of an open pipe')
}

/** An audio file that is open for reading, and a source of streams. */
export class SoundFile implements AsyncDisposable {
  readonly #binding: BindingFile
  readonly info: FileInfo

  private constructor(binding: BindingFile) {
    this.#binding = binding
    this.info = binding.info as FileInfo
  }

  /** Opens a file and reads its header. */
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
