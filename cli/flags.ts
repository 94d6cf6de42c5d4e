import type { Encoding, Format, Tags } from '../ts/index.ts'
import { HOSTS } from './device.ts'
import * as values from './values.ts'
import type { Kind } from './values.ts'

/** The parts that help, man page and docs/cli.md have, in their order. */
export const GROUPS = {
  device: 'Device',
  stream: 'Stream',
  length: 'Length',
  file: 'Files',
  trouble: 'When something is late',
  told: 'What is told',
  instead: 'Instead of playing and recording',
} as const

interface Base {
  /** Short ones first; a long one may be written with `_` for `-`. */
  readonly names: readonly string[]
  readonly group: keyof typeof GROUPS
  readonly help: string
}

export interface Switch extends Base {
  readonly arity: 'none'
}

export interface Single<T> extends Base {
  readonly arity: 'one'
  readonly value: string
  readonly kind: Kind<T>
}

/** May stand alone; takes the next argument only where that is one of its values. */
export interface Optional<T> extends Base {
  readonly arity: 'optional'
  readonly value: string
  readonly kind: Kind<T>
  readonly alone: T
}

/** May be given twice. */
export interface Twice<T> extends Base {
  readonly arity: 'twice'
  readonly value: string
  readonly kind: Kind<T>
  /** Whether the argument after the first value is the second one. */
  readonly follows: (argument: string) => boolean
}

/** May be given again and again. */
export interface Many<T> extends Base {
  readonly arity: 'many'
  readonly value: string
  readonly kind: Kind<T>
}

export type Flag<T = unknown> = Switch | Single<T> | Optional<T> | Twice<T> | Many<T>

const WRITTEN = ['wav', 'rf64', 'w64', 'aiff', 'au', 'caf', 'raw', 'flac'] as const
const READ = ['mp3', 'ogg', 'm4a', 'mkv', 'adts'] as const
const FORMATS = ['float32', 'int32', 'int24', 'int16', 'int8', 'uint8'] as const satisfies readonly Format[]
const ENCODINGS = [
  'pcm_s8',
  'pcm_u8',
  'pcm_16',
  'pcm_24',
  'pcm_32',
  'float',
  'double',
  'ulaw',
  'alaw',
] as const satisfies readonly Encoding[]
const TAGS = [
  'title',
  'artist',
  'album',
  'date',
  'comment',
  'track',
  'description',
  'originator',
  'timeReference',
] as const satisfies readonly (keyof Tags)[]
export const SHELLS = ['bash', 'zsh', 'fish'] as const

type Group = Base['group']

function flag(group: Group, names: string, help: string): Switch {
  return { names: names.split(' '), group, help, arity: 'none' }
}

function single<T>(group: Group, names: string, value: string, kind: Kind<T>, help: string): Single<T> {
  return { names: names.split(' '), group, value, kind, help, arity: 'one' }
}

function optional<T>(group: Group, names: string, value: string, kind: Kind<T>, alone: T, help: string): Optional<T> {
  return { names: names.split(' '), group, value, kind, alone, help, arity: 'optional' }
}

function twice<T>(
  group: Group,
  names: string,
  value: string,
  kind: Kind<T>,
  follows: Twice<T>['follows'],
  help: string,
): Twice<T> {
  return { names: names.split(' '), group, value, kind, follows, help, arity: 'twice' }
}

function many<T>(group: Group, names: string, value: string, kind: Kind<T>, help: string): Many<T> {
  return { names: names.split(' '), group, value, kind, help, arity: 'many' }
}

/** Every flag of the command: the one table behind parser, help, man page, completions and docs/cli.md. */
export const flags = {
  device: twice(
    'device',
    '-D --device',
    'X[,X]',
    values.device,
    () => false,
    "device by id, by number, or by parts of its name (see -l); given twice: playback, then record (default: 'default')",
  ),
  host: single(
    'device',
    '--host',
    'NAME',
    values.choice(...HOSTS),
    `choose among the devices of one host alone: ${HOSTS.join(', ')}`,
  ),
  latency: single(
    'device',
    '--latency',
    'L',
    values.latency,
    "how far the device may lag behind: 'low', 'high' (default), or seconds",
  ),
  blocksize: single(
    'device',
    '-b --blocksize',
    'N',
    values.size('a block size in frames', 0, 1 << 24),
    'frames a block; 0 (default): the backend decides',
  ),
  rate: single(
    'stream',
    '-r --rate',
    'R',
    values.size('a rate in Hz', 1, 768_000),
    "sample rate in Hz (default: the file's)",
  ),
  channels: single('stream', '-c --channels', 'N[,N]', values.pair(values.channels), "channels (default: the file's)"),
  format: single(
    'stream',
    '-f --format',
    'F[,F]',
    values.pair(values.choice(...FORMATS)),
    `sample format of the stream: ${FORMATS.join(', ')} (default: the file's)`,
  ),
  select: single(
    'stream',
    '-s --channel-select',
    'C,C...',
    values.channelList,
    'play on and record from these channels of the device alone, counted from 1, in this order; in place of -m',
  ),
  map: twice(
    'stream',
    '-m --map',
    'MAP',
    values.mapping,
    (next) => /^\d/.test(next) && values.mapping.parse(next) !== undefined,
    'CHIN[:CHOUT][,...], channels from 1; one MAP is for the recording where there is one, else for the playback; ' +
      'two, as -m MAP MAP or -m MAP -m MAP: playback, then record',
  ),
  resample: single(
    'stream',
    '--resample',
    'R',
    values.choice('auto', 'off'),
    'where the input has another rate than the stream: auto (default) resamples it, off is an error',
  ),
  quality: single(
    'stream',
    '--quality',
    'Q',
    values.choice('fast', 'good', 'best'),
    'of what is resampled: fast, good, best (default)',
  ),
  gain: single(
    'stream',
    '--gain',
    'DB',
    values.decibels,
    'gain in dB of the input, or without one of the recording; what gets too loud is clipped',
  ),
  duration: single(
    'length',
    '-d --duration',
    'T',
    values.time,
    'stop after T; negative (default): when the playback ends, or never when only recording',
  ),
  offset: single('length', '-o --offset', 'T', values.positiveTime, 'drop T from the start of the recording'),
  pad: optional<values.Time>(
    'length',
    '-p --pad',
    'T',
    values.time,
    { seconds: -1, frames: 0 },
    'append T of silence to the playback; no T or negative: up to --duration, or for ever without one',
  ),
  loop: flag('length', '--loop', 'loop the playback'),
  align: flag(
    'length',
    '--align',
    'drop the measured round trip from the start of the recording, so that it lies on the playback; runs longer by it',
  ),
  type: single(
    'file',
    '-t --file-type',
    'T[,T]',
    values.pair(values.choice(...WRITTEN, ...READ)),
    `file type: ${WRITTEN.join(', ')}; to be read also ${READ.join(', ')} (default: by content or name; au for a pipe)`,
  ),
  encoding: single(
    'file',
    '-e --encoding',
    'E[,E]',
    values.pair(values.choice(...ENCODINGS)),
    `encoding: ${ENCODINGS.join(', ')} (default: the stream's format)`,
  ),
  endian: single(
    'file',
    '--endian',
    'E[,E]',
    values.pair(values.choice('file', 'big', 'little')),
    "byte order: file (default, the file type's own), big, little",
  ),
  dither: optional(
    'file',
    '--dither',
    'SEED',
    values.size('a seed', 0, Number.MAX_SAFE_INTEGER),
    0,
    'add noise (TPDF) where the output has fewer bits than the stream; the same with the same SEED',
  ),
  split: optional<values.Time>(
    'file',
    '--split',
    'T',
    values.someTime,
    { seconds: Infinity, frames: 0 },
    'begin a new output file after each T, or at USR1, with no frame lost and none written over; OUTPUT may hold fields of strftime, as in ' +
      'take-%H%M%S.wav, else it gets numbers: take-0001.wav; without T: at USR1 alone',
  ),
  preroll: single(
    'file',
    '--preroll',
    'T',
    values.someTime,
    'record only once USR1 comes, and T from before that; later ones are for --split',
  ),
  tag: many(
    'file',
    '--tag',
    'NAME=VALUE',
    values.tag(TAGS),
    `what the output says of its audio: ${TAGS.join(', ')} (frames since midnight); may be given again for another NAME`,
  ),
  sync: flag('file', '--sync', 'wait twice a second until the disk has what was recorded, against a power cut'),
  noClobber: flag(
    'file',
    '--no-clobber',
    'refuse an output that exists; without it, that is written over at the first frame',
  ),
  buffersize: single(
    'trouble',
    '--buffersize',
    'N',
    values.size('a buffer size in frames', 1, 1 << 30),
    'frames read ahead of the playback (default: 65536); more than 10 s enlarge the buffer of the recording, too',
  ),
  underrun: single(
    'trouble',
    '--underrun',
    'U',
    values.choice('silence', 'abort'),
    'where the input is late: play silence (default), or end as failed',
  ),
  overrun: single(
    'trouble',
    '--overrun',
    'O',
    values.choice('gap', 'abort'),
    'where the output is too slow: fill the gap with silence (default), or end as failed',
  ),
  fatalXruns: flag('trouble', '--fatal-xruns', 'end with status 3 at the first xrun'),
  meter: optional(
    'told',
    '--meter',
    'on|off',
    values.choice('on', 'off'),
    'on',
    'level meters in the status line, and levels in the progress of --json (default: on a terminal); off: nothing is measured',
  ),
  json: flag('told', '--json', 'tell events and progress as NDJSON on stderr; with --list: print one JSON document'),
  quiet: flag('told', '-q --quiet', 'tell nothing but errors'),
  list: flag('instead', '-l --list', 'list the devices'),
  repair: flag(
    'instead',
    '--repair',
    'make the headers of the FILEs true, recordings that were cut off, and keep all else in them',
  ),
  completions: single(
    'instead',
    '--completions',
    'SHELL',
    values.choice(...SHELLS),
    `print completions for a shell: ${SHELLS.join(', ')}`,
  ),
  version: flag('instead', '--version', 'print the version'),
  usage: flag('instead', '-h', 'print the options in short'),
  help: flag('instead', '--help', 'print this help'),
}

type Value<F> = F extends Switch
  ? true
  : F extends Twice<infer T> | Many<infer T>
    ? readonly T[]
    : F extends Single<infer T> | Optional<infer T>
      ? T
      : never

export type FlagName = keyof typeof flags
export type Options = { readonly [K in FlagName]?: Value<(typeof flags)[K]> }
