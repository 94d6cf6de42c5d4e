export { devices, hosts, version, type DeviceInfo, type HostInfo } from './devices.ts'
export { PastreamError, type ErrorCode } from './error.ts'
export { SoundFile, type Container, type FileInfo, type FileSink, type FileSource } from './file.ts'
export type { Encoding, Format, SampleArray } from './format.ts'
export {
  DuplexStream, InputStream, OutputStream, Stream,
  type GapEvent, type Mapping, type Pair, type PlayOptions, type PlayRecordOptions, type RecordOptions, type RunOptions,
  type Samples, type Sink, type Source, type StreamOptions, type XrunEvent, type XrunKind,
} from './stream.ts'
