import type { Duplex, Readable, Writable } from 'node:stream'
import type { ReadableStream, WritableStream } from 'node:stream/web'
import { SoundFile, type FileSource } from '../file.ts'
import { open, openLike } from './open.ts'
import { defined, type Pair, type Recorded, type SourceOptions, type StreamOptions } from '../options.ts'
import {
  Stream,
  type ChunkOptions,
  type DuplexOptions,
  type Out,
  type PlayOptions,
  type PlayRecordOptions,
  type ReadableOptions,
  type RecordOptions,
  type WritableOptions,
} from './stream.ts'
import type { Chunks, Cut, Planar } from '../chunks.ts'
import type { ArrayOf, Format, Samples } from '../format.ts'
import type { Source } from '../source.ts'

/** The options of chunks where nothing is played. */
export type InputChunkOptions = Omit<ChunkOptions, 'playback' | 'pad' | keyof SourceOptions> & Pick<Cut, 'bufferSize'>

/** Plays. */
export class OutputStream extends Stream {
  /** Opens a device. Rejects with `DEVICE_NOT_FOUND`, `HOST_UNAVAILABLE`, `UNSUPPORTED_CONFIG` and the like. */
  static async open(options: StreamOptions = {}): Promise<OutputStream> {
    return new OutputStream(await open(options, true, false), options)
  }

  /** Opens a device with the rate, channels and format of a file, or what it takes instead, and plays the file: see `setSource`. */
  static async fromFile(
    file: string | FileSource | SoundFile,
    options: StreamOptions & SourceOptions = {},
  ): Promise<OutputStream> {
    return fromFile((asked) => OutputStream.open(asked), file, options)
  }

  override play(source: Source, options?: PlayOptions): Promise<void> {
    return super.play(source, options)
  }

  override writable(options?: WritableOptions): Writable {
    return super.writable(options)
  }

  override webWritable(options?: WritableOptions): WritableStream<Samples> {
    return super.webWritable(options)
  }
}

/** Records, in format `F`. */
export class InputStream<F extends Format = Format> extends Stream<F> {
  /** Opens a device. Rejects with `DEVICE_NOT_FOUND`, `HOST_UNAVAILABLE`, `UNSUPPORTED_CONFIG` and the like. */
  static async open<const P extends Pair<Format> = 'float32'>(
    options: StreamOptions<P> = {},
  ): Promise<InputStream<Recorded<P>>> {
    return new InputStream<Recorded<P>>(await open(options, false, true), options)
  }

  override record<T extends Samples>(options: RecordOptions & Out<T>): Promise<T>
  override record(options: RecordOptions): Promise<ArrayOf[F]>
  override record(options: RecordOptions = {}): Promise<ArrayOf[F]> {
    return super.record<ArrayOf[F]>(options)
  }

  override chunks(options: InputChunkOptions & Planar): Chunks<ArrayOf[F][]>
  override chunks(options?: InputChunkOptions): Chunks<ArrayOf[F]>
  override chunks(options?: InputChunkOptions): Chunks<never> {
    return super.chunks(options) as Chunks<never>
  }

  override readable(options?: Omit<ReadableOptions, 'pad'>): Readable {
    return super.readable(options)
  }

  override webReadable(options?: Omit<ReadableOptions, 'pad'>): ReadableStream<Uint8Array> {
    return super.webReadable(options)
  }
}

/** Plays and records at once, in one callback; records in format `F`. */
export class DuplexStream<F extends Format = Format> extends Stream<F> {
  /** Opens a device. Rejects with `DEVICE_NOT_FOUND`, `HOST_UNAVAILABLE`, `UNSUPPORTED_CONFIG` and the like. */
  static async open<const P extends Pair<Format> = 'float32'>(
    options: StreamOptions<P> = {},
  ): Promise<DuplexStream<Recorded<P>>> {
    return new DuplexStream<Recorded<P>>(await open(options, true, true), options)
  }

  /** Opens a device with the rate, channels and format of a file, or what it takes instead, and plays the file: see `setSource`. */
  static async fromFile(
    file: string | FileSource | SoundFile,
    options: StreamOptions & SourceOptions = {},
  ): Promise<DuplexStream> {
    return fromFile((asked): Promise<DuplexStream> => DuplexStream.open(asked), file, options)
  }

  override play(source: Source, options?: PlayOptions): Promise<void> {
    return super.play(source, options)
  }

  override record<T extends Samples>(options: RecordOptions & Out<T>): Promise<T>
  override record(options: RecordOptions): Promise<ArrayOf[F]>
  override record(options: RecordOptions = {}): Promise<ArrayOf[F]> {
    return super.record<ArrayOf[F]>(options)
  }

  override playrec<T extends Samples>(source: Source, options: PlayRecordOptions & Out<T>): Promise<T>
  override playrec(source: Source, options?: PlayRecordOptions): Promise<ArrayOf[F]>
  override playrec(source: Source, options?: PlayRecordOptions): Promise<ArrayOf[F]> {
    return super.playrec<ArrayOf[F]>(source, options)
  }

  override chunks(options: ChunkOptions & Planar): Chunks<ArrayOf[F][]>
  override chunks(options?: ChunkOptions): Chunks<ArrayOf[F]>
  override chunks(options?: ChunkOptions): Chunks<never> {
    return super.chunks(options) as Chunks<never>
  }

  override readable(options?: ReadableOptions): Readable {
    return super.readable(options)
  }

  override webReadable(options?: ReadableOptions): ReadableStream<Uint8Array> {
    return super.webReadable(options)
  }

  override writable(options?: WritableOptions): Writable {
    return super.writable(options)
  }

  override webWritable(options?: WritableOptions): WritableStream<Samples> {
    return super.webWritable(options)
  }

  override duplex(options?: DuplexOptions): Duplex {
    return super.duplex(options)
  }

  override webDuplex(options?: DuplexOptions): {
    readable: ReadableStream<Uint8Array>
    writable: WritableStream<Samples>
  } {
    return super.webDuplex(options)
  }
}

/** A stream like a file where nothing else is said and the device can, that plays the file. */
async function fromFile<S extends Stream>(
  open: (options: StreamOptions) => Promise<S>,
  file: string | FileSource | SoundFile,
  { loop, bufferSize, resample, quality, gain, ...options }: StreamOptions & SourceOptions,
): Promise<S> {
  const source = file instanceof SoundFile ? file : await SoundFile.open(file)
  let stream: S | undefined
  try {
    stream = await openLike(open, source.info, options, resample)
    await stream.setSource(source, defined({ loop, bufferSize, resample, quality, gain }))
    return stream
  } catch (error) {
    await stream?.close()
    if (source !== file) await source.close()
    throw error
  }
}
