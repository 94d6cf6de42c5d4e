export { Chunks, type Cut } from './chunks.ts'
export { devices, hosts, version, type DeviceInfo, type HostInfo } from './devices.ts'
export { PastreamError, type ErrorCode } from './error.ts'
export {
  decode,
  SoundFile,
  type Container,
  type Decoded,
  type DecodeOptions,
  type FileDescription,
  type FileInfo,
  type FileSink,
  type FileSource,
  type ReadOptions,
  type WriteOptions,
} from './file.ts'
export type { ArrayOf, Encoding, Format, SampleArray, Samples } from './format.ts'
export type { Mapping, Pair, RunOptions, SinkOptions, SourceOptions, StreamOptions } from './options.ts'
export { RingBuffer } from './ring.ts'
export type { Sink } from './sink.ts'
export type { Source } from './source.ts'
export {
  DuplexStream,
  InputStream,
  OutputStream,
  Stream,
  type ChunkOptions,
  type GapEvent,
  type Gaps,
  type Outcome,
  type PlayOptions,
  type PlayRecordOptions,
  type RecordOptions,
  type StreamEvents,
  type XrunEvent,
  type XrunKind,
} from './stream.ts'
