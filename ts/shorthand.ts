import { invalid } from './error.ts'
import { SoundFile } from './file.ts'
import { choice, defined, type Pair, type Recorded, type SourceOptions, type StreamOptions } from './options.ts'
import { resolve, type Source } from './source.ts'
import { DuplexStream, InputStream, OutputStream } from './stream/kinds.ts'
import { openLike } from './stream/open.ts'
import type { Planar } from './chunks.ts'
import type { ArrayOf, Format, Samples } from './format.ts'
import type { ChunkOptions, Out, PlayOptions, PlayRecordOptions, RecordOptions } from './stream/stream.ts'

// Each opens a stream, does one thing with it, and closes it.

/** The options of a stream, and the rest. */
function split<P extends Pair<Format>, R extends object>(options: StreamOptions<P> & R): [StreamOptions<P>, R] {
  const { device, sampleRate, channels, format, blockSize, latency, ...most } = options
  const { underrun, overrun, xrun, txMapping, rxMapping, ...rest } = most
  const behaviour = { underrun, overrun, xrun, txMapping, rxMapping }
  const stream = { device, sampleRate, channels, format, blockSize, latency, ...behaviour }
  return [defined(stream) as StreamOptions<P>, rest as unknown as R]
}

/** A source, of which a file that is opened here is closed at the end. */
async function opened(given: Source) {
  const source = await resolve(given)
  const close = async (): Promise<void> => {
    if (source instanceof SoundFile && source !== given) await source.close()
  }
  return { source, [Symbol.asyncDispose]: close }
}

/** Opens a stream like `source`, where that is a file. */
function like<S>(
  open: (options: StreamOptions) => Promise<S>,
  source: unknown,
  options: StreamOptions,
  resample?: SourceOptions['resample'],
): Promise<S> {
  return source instanceof SoundFile ? openLike(open, source.info, options, resample) : open(options)
}

/** Plays on a stream of its own, which for a file has its rate, channels and format where the device takes them. */
export async function play(source: Source, options: StreamOptions & PlayOptions = {}): Promise<void> {
  const [asked, run] = split(options)
  await using resolved = await opened(source)
  await using stream = await like((given) => OutputStream.open(given), resolved.source, asked, run.resample)
  await stream.play(resolved.source, run)
}

/** Records on a stream of its own: frames − offset frames × channels, interleaved. */
export async function record<T extends Samples>(options: StreamOptions & RecordOptions & Out<T>): Promise<T>
export async function record<const P extends Pair<Format> = 'float32'>(
  options: StreamOptions<P> & RecordOptions,
): Promise<ArrayOf[Recorded<P>]>
export async function record(options: StreamOptions & RecordOptions): Promise<unknown> {
  const [asked, run] = split(options)
  await using stream = await InputStream.open(asked)
  return await stream.record(run)
}

/** Plays, and records what comes back, on a stream of its own: see `DuplexStream.playrec`. Unset, `format` is the file's. */
export async function playrec<T extends Samples>(
  source: Source,
  options: StreamOptions & PlayRecordOptions & Out<T>,
): Promise<T>
export async function playrec<const P extends Pair<Format> = Format>(
  source: Source,
  options?: StreamOptions<P> & PlayRecordOptions,
): Promise<ArrayOf[Recorded<P>]>
export async function playrec(source: Source, options: StreamOptions & PlayRecordOptions = {}): Promise<unknown> {
  const [asked, run] = split(options)
  await using resolved = await opened(source)
  const open = (given: StreamOptions): Promise<DuplexStream> => DuplexStream.open(given)
  await using stream = await like(open, resolved.source, asked, run.resample)
  return await stream.playrec(resolved.source, run)
}

/**
 * Records on a stream of its own, chunk by chunk, while `playback` plays where one is given. Leaving the loop closes the
 * stream.
 */
export function chunks<const P extends Pair<Format> = Format>(
  options: StreamOptions<P> & ChunkOptions & Planar,
): AsyncGenerator<ArrayOf[Recorded<P>][], void, undefined>
export function chunks<const P extends Pair<Format> = Format>(
  options?: StreamOptions<P> & ChunkOptions,
): AsyncGenerator<ArrayOf[Recorded<P>], void, undefined>
export async function* chunks(options: StreamOptions & ChunkOptions = {}): AsyncGenerator<unknown, void, undefined> {
  const [asked, { playback, ...cut }] = split(options)
  if (playback === undefined) {
    const { loop, pad, resample, quality, gain, ...rest } = cut
    const [name] = Object.keys(defined({ loop, pad, resample, quality, gain }))
    if (name !== undefined) throw invalid(`\`${name}\` is of a \`playback\`: give one`)
    await using stream = await InputStream.open(asked)
    yield* stream.chunks(rest)
    return
  }
  await using resolved = await opened(playback)
  const open = (given: StreamOptions): Promise<DuplexStream> => DuplexStream.open(given)
  await using stream = await like(open, resolved.source, asked, cut.resample)
  yield* stream.chunks({ ...cut, playback: resolved.source })
}

/** What a device would be opened with. */
export interface Settings {
  readonly device: string
  /** In Hz. */
  readonly sampleRate: number
  /** Samples in a frame; `[playback, recording]` where they differ. */
  readonly channels: Pair<number>
  readonly format: Pair<Format>
  /** Frames of a block, 0 where it varies. */
  readonly blockSize: number
}

/** Opens a stream and closes it: answers what was opened, or rejects as `open` does. */
export async function checkSettings({
  direction = 'duplex',
  ...options
}: StreamOptions & {
  /** @default 'duplex' */
  direction?: 'input' | 'output' | 'duplex'
} = {}): Promise<Settings> {
  const kinds = { input: InputStream, output: OutputStream, duplex: DuplexStream }
  const Kind = kinds[choice('direction', direction, 'input', 'output', 'duplex') ?? 'duplex']
  await using stream = await Kind.open(options)
  const { device, sampleRate, channels, format, blockSize } = stream
  return { device, sampleRate, channels: channels as Pair<number>, format: format as Pair<Format>, blockSize }
}
