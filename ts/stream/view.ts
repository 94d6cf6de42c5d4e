import { EventEmitter } from 'node:events'
import { sampleSize, type Encoding, type Format } from '../format.ts'
import type { Quality } from '../options.ts'
import { xrunKinds, XRUN_KINDS, type StreamEvents, type XrunKind } from './events.ts'
import type { BindingStream, ConversionObject, OpenedDirection } from '../binding/binding.js'

/** What is counted in gaps. */
export interface Gaps {
  /** Gaps in recordings. */
  readonly count: number
  /** Their frames. */
  readonly frames: number
  /** Frames of silence that were played in place of a late source. */
  readonly starved: number
  /** How often that happened. */
  readonly starvations: number
}

/** The level of one channel; 1 is full scale. */
export interface Level {
  /** The largest magnitude since the last look. */
  readonly peak: number
  /** Root of the mean square of the last block. */
  readonly rms: number
  /** The largest magnitude since the start of the run, or the first look if that was later. */
  readonly highest: number
  /** Root of the mean square of as much. */
  readonly overall: number
}

/** The levels of each channel of the device: none on a side that is not open. */
export interface Levels {
  readonly playback: readonly Level[]
  readonly recording: readonly Level[]
}

/**
 * How recording and playback lie to each other: a frame that is captured while frame n leaves the device is delivered as
 * frame n + `offsetFrames`.
 */
export interface Alignment {
  readonly offsetFrames: number
  /** Standard deviation of what the offset was measured from, in frames: 0 where it is exact. */
  readonly jitterFrames: number
  /** Parts per million by which the capture clock is faster than the playback clock. */
  readonly driftPpm: number
  /** One callback serves both; two streams of one clock, put in line once; two clocks, and the recording is resampled. */
  readonly method: 'callback' | 'timestamps' | 'resampler'
}

/** What is changed between a file and a stream. */
export interface Conversion {
  /** What the file holds; of a compressed one, what it is decoded to. */
  readonly file: { readonly sampleRate: number; readonly channels: number; readonly encoding: Encoding }
  /** What the stream plays or records. */
  readonly stream: { readonly sampleRate: number; readonly channels: number; readonly format: Format }
  /** How the rate is converted; undefined where it is the same. */
  readonly quality: Quality | undefined
  /** In dB; 0: the level is the same. */
  readonly gain: number
}

/** What is changed between files and the stream: `null` where bytes pass unaltered, and where there is no file. */
export interface Conversions {
  /** On the way from the source. */
  readonly playback: Conversion | null
  /** On the way to each file that is recorded, in their order. */
  readonly recording: readonly (Conversion | null)[]
}

/** What the binding tells, in order. */
function conversion(told: ConversionObject | null | undefined): Conversion | null {
  if (!told) return null
  return {
    file: {
      sampleRate: told.fileSampleRate,
      channels: told.fileChannels,
      encoding: told.fileEncoding as Encoding,
    },
    stream: {
      sampleRate: told.streamSampleRate,
      channels: told.streamChannels,
      format: told.streamFormat as Format,
    },
    quality: told.quality as Quality | undefined,
    gain: told.gain,
  }
}

/** What a stream is and counts: all that a hook in a worker thread sees of it. Only the stream itself tells events. */
export class StreamView extends EventEmitter<StreamEvents> {
  /** @internal */
  protected readonly binding: BindingStream

  /** @internal */
  constructor(binding: BindingStream) {
    super()
    this.binding = binding
  }

  /** In Hz. */
  get sampleRate(): number {
    return this.binding.opened.sampleRate
  }
  /** Samples in a frame; `[playback, recording]` where they differ. */
  get channels(): number | number[] {
    return this.#each(({ channels }) => channels)
  }
  get format(): Format | Format[] {
    return this.#each(({ format }) => format as Format)
  }
  /** Bytes of a sample. */
  get sampleSize(): number | number[] {
    return this.#each(({ format }) => sampleSize(format as Format))
  }
  /** Seconds between the program and the air, on the way out and on the way in. */
  get latency(): number | number[] {
    return this.#each(({ latency }) => latency)
  }
  #each<T>(of: (side: OpenedDirection) => T): T | T[] {
    const { playback, recording } = this.binding.opened
    const [first, second] = [playback, recording].flatMap((side) => (side ? [of(side)] : []))
    return second === undefined || second === first ? (first as T) : [first as T, second]
  }
  /** Frames of a block, 0 where it varies. */
  get blockSize(): number {
    return this.binding.opened.blockSize
  }
  /** The device's id. */
  get device(): string {
    return this.binding.opened.device
  }
  /** How recording and playback lie to each other: undefined on one side alone, and before it is measured. */
  get alignment(): Alignment | undefined {
    return (this.binding.alignment as Alignment | null | undefined) ?? undefined
  }
  /** What was changed between the stream and the files that were set last. */
  get conversion(): Conversions {
    const { playback, recording } = this.binding.conversion
    return { playback: conversion(playback), recording: recording.map(conversion) }
  }
  /** Whether runs are held by `pause`. */
  get paused(): boolean {
    return this.binding.paused
  }
  get isDuplex(): boolean {
    const { playback, recording } = this.binding.opened
    return Boolean(playback && recording)
  }
  /** Whether a run is under way. */
  get active(): boolean {
    return this.binding.measures.active
  }
  /** Whether no run is under way. */
  get stopped(): boolean {
    return !this.active
  }
  /** Whether the last run is over, however it ended. */
  get finished(): boolean {
    return this.binding.measures.finished
  }
  /** Whether the last run ended before its time: aborted, failed, or its device lost. */
  get aborted(): boolean {
    const { finished, outcome } = this.binding.measures
    return finished && outcome !== 'finished' && outcome !== 'stopped'
  }
  /** Frames that the device clocked since the start, gaps included. */
  get frameCount(): number {
    return this.binding.measures.frameCount
  }
  /** Source frames that were played since the start. */
  get played(): number {
    return this.binding.measures.played
  }
  /**
   * The frame of the played file, at the stream's rate, that leaves next, whatever was sought, or where it ended; in a loop within the file. Undefined where no
   * file is played.
   */
  get position(): number | undefined {
    return this.binding.position ?? undefined
  }
  /** Callbacks with an xrun since the start. */
  get xruns(): number {
    return this.binding.measures.xruns
  }
  /** Callbacks with each kind of xrun since the start. */
  get xrunCounts(): Record<XrunKind, number> {
    const counts = this.binding.measures.xrunCounts
    return Object.fromEntries(XRUN_KINDS.map((kind, index) => [kind, counts[index] ?? 0])) as Record<XrunKind, number>
  }
  /** The kinds of xrun since the start, and whether the system denied the audio thread realtime priority. */
  get status(): (XrunKind | 'realtimeDenied')[] {
    const denied = this.binding.realtime === false ? (['realtimeDenied'] as const) : []
    return [...xrunKinds(this.binding.status), ...denied]
  }
  get gaps(): Gaps {
    const { losses: count, lost: frames, starved, starvations } = this.binding.measures
    return { count, frames, starved, starvations }
  }
  /** Events since the start that nobody was told of, because too many came at once. All are in the counts. */
  get eventsLost(): number {
    return this.binding.measures.eventsLost
  }
  /** Seconds of the device's clock. */
  get time(): number {
    return this.binding.time
  }
  /** The share of a block's time that the callback takes, 0 to 1. */
  get cpuLoad(): number {
    return this.binding.cpuLoad
  }

  /** What plays and comes in right now. Measured from the first look on, at a cost for each block. */
  get levels(): Levels {
    const side = (recording: boolean): Level[] => {
      const values = this.binding.levels(recording)
      return Array.from({ length: values.length / 4 }, (_, channel) => {
        const [peak = 0, rms = 0, highest = 0, overall = 0] = values.slice(4 * channel)
        return { peak, rms, highest, overall }
      })
    }
    return { playback: side(false), recording: side(true) }
  }
}
