import { EventEmitter } from 'node:events'
import type { Interruptible } from './interrupt.ts'
import { call, native, settle } from './native.ts'
import type { Format } from './format.ts'
import type { BindingWatch, DeviceChangeObject } from './binding/binding.js'

/** A device; `id` opens it. */
export interface DeviceInfo {
  readonly id: string
  readonly name: string
  readonly host: string
  /** 0 where it can't record. */
  readonly maxInputChannels: number
  /** 0 where it can't play. */
  readonly maxOutputChannels: number
  /** In Hz. */
  readonly defaultSampleRate: number
  /** Rates that it takes, in Hz; empty where the host doesn't tell. */
  readonly sampleRates: readonly { readonly min: number; readonly max: number }[]
  /** Formats that it takes without conversion; empty where the host doesn't tell. */
  readonly formats: readonly Format[]
  /** Seconds, as `latency: 'low'` gets them. */
  readonly defaultLowInputLatency: number
  readonly defaultLowOutputLatency: number
  /** Seconds, as `latency: 'high'` gets them. */
  readonly defaultHighInputLatency: number
  readonly defaultHighOutputLatency: number
  /** Whether its host records from it by default. */
  readonly isDefaultInput: boolean
  /** Whether its host plays to it by default. */
  readonly isDefaultOutput: boolean
}

/** An audio system, and why it can't be used where it can't. */
export interface HostInfo {
  readonly name: string
  readonly available: boolean
  readonly reason?: string
}

/** A device and its place in the list, by which it may be named as long as the list stays as it is. */
export interface ListedDevice extends DeviceInfo {
  readonly index: number
}

/** Every device of every host that can be used, the host that `device: 'default'` looks at first before the others. */
export function devices(): ListedDevice[] {
  return (call(() => native.devices()) as DeviceInfo[]).map((device, index) => Object.assign(device, { index }))
}

/** The names of the devices that a `device` means, the one that plays and the one that records; empty: the default. */
export function devicePair(device: string): [playback: string, recording: string] {
  return call(() => native.devicePair(device)) as [string, string]
}

export function hosts(): HostInfo[] {
  return call(() => native.hosts())
}

/** A change among the devices. `device` is undefined where there is no default any more. */
export type DeviceChange =
  | { readonly type: 'added' | 'removed'; readonly device: DeviceInfo }
  | { readonly type: 'defaultOutput' | 'defaultInput'; readonly device: DeviceInfo | undefined }

export interface DeviceEvents {
  added: [DeviceInfo]
  removed: [DeviceInfo]
  defaultOutput: [DeviceInfo | undefined]
  defaultInput: [DeviceInfo | undefined]
}

/** Tells the changes among the devices, by events or in a loop, until it is closed. It holds the process open. */
export class DeviceWatch extends EventEmitter<DeviceEvents> implements AsyncDisposable, AsyncIterable<DeviceChange> {
  readonly #binding: BindingWatch
  #closed = false
  /** For loops: what was told since each began. */
  readonly #loops = new Set<DeviceChange[]>()
  readonly #asleep = new Set<() => void>()

  /** @internal */
  constructor() {
    super()
    this.#binding = call(() => new native.BindingWatch((change) => this.#tell(change)))
  }

  #wake(): void {
    for (const wake of this.#asleep) wake()
    this.#asleep.clear()
  }

  #tell({ kind, device }: DeviceChangeObject): void {
    const change = { type: kind, device: device ?? undefined } as DeviceChange
    for (const waiting of this.#loops) waiting.push(change)
    this.#wake()
    if (change.type === 'added' || change.type === 'removed') this.emit(change.type, change.device)
    else this.emit(change.type, change.device)
  }

  /** Watches no more; loops end. Safe to call more than once. */
  async close(): Promise<void> {
    this.#closed = true
    this.#wake()
    await settle(() => this.#binding.close())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Each change from now on, until it is closed. Leaving the loop closes the watch. */
  async *[Symbol.asyncIterator](): AsyncGenerator<DeviceChange, void, undefined> {
    try {
      yield* this.changes()
    } finally {
      await this.close()
    }
  }

  /** The same in a loop whose end leaves the watch open. Tells from its first step on. */
  async *changes(): AsyncGenerator<DeviceChange, void, undefined> {
    const waiting: DeviceChange[] = []
    this.#loops.add(waiting)
    try {
      for (;;) {
        const change = waiting.shift()
        if (change) yield change
        else if (this.#closed) return
        else await new Promise<void>((resolve) => this.#asleep.add(resolve))
      }
    } finally {
      this.#loops.delete(waiting)
    }
  }
}

/**
 * Watches for devices that come, go, or become the default: told within about a second, also of audio systems that were
 * restarted. `signal` closes it.
 */
export function watchDevices({ signal }: Interruptible = {}): DeviceWatch {
  signal?.throwIfAborted()
  const watch = new DeviceWatch()
  signal?.addEventListener('abort', () => void watch.close(), { once: true })
  return watch
}

export const version: string = native.version()
