export { Chunks, type Cut, type Planar } from './chunks.ts'
export { defaults } from './defaults.ts'
export {
  devicePair,
  devices,
  DeviceWatch,
  hosts,
  version,
  watchDevices,
  type DeviceChange,
  type DeviceEvents,
  type DeviceInfo,
  type HostInfo,
  type ListedDevice,
} from './devices.ts'
export { PastreamError, type ErrorCode } from './error.ts'
export {
  decode,
  encode,
  repair,
  SoundFile,
  type Container,
  type Bytes,
  type Decoded,
  type DecodeOptions,
  type EncodeOptions,
  type FileDescription,
  type FileInfo,
  type FileSink,
  type FileSource,
  type FileTarget,
  type ReadOptions,
  type Tags,
  type Repair,
  type WriteOptions,
  type WriterOptions,
} from './file.ts'
export type { ArrayOf, Codec, Encoding, Format, SampleArray, Samples } from './format.ts'
export * as generators from './generators.ts'
export type { Parts, SinkFunction, SourceFunction } from './hook.ts'
export type { Interruptible } from './interrupt.ts'
export type {
  ConversionOptions,
  Mapping,
  Pair,
  Quality,
  Recorded,
  RunOptions,
  SinkOptions,
  SourceOptions,
  StreamOptions,
} from './options.ts'
export { RingBuffer, type View } from './ring.ts'
export { checkSettings, chunks, play, playrec, record, type Settings } from './shorthand.ts'
export type { Sink } from './sink.ts'
export type { Source } from './source.ts'
export type { GapEvent, Outcome, StreamEvent, StreamEvents, WrittenFile, XrunEvent, XrunKind } from './stream/events.ts'
export { DuplexStream, InputStream, OutputStream, type InputChunkOptions } from './stream/kinds.ts'
export {
  Stream,
  type ChunkOptions,
  type DuplexOptions,
  type Out,
  type PlayOptions,
  type PlayRecordOptions,
  type ReadableOptions,
  type RecordOptions,
  type WritableOptions,
} from './stream/stream.ts'
export {
  StreamView,
  type Alignment,
  type Conversion,
  type Conversions,
  type Gaps,
  type Level,
  type Levels,
} from './stream/view.ts'
export { thread, Thread, work as _work } from './thread.ts'
