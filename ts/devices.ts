import { call, native } from './native.ts'

/** A device; `id` opens it. */
export interface DeviceInfo {
  readonly id: string
  readonly name: string
  readonly host: string
  readonly maxInputChannels: number
  readonly maxOutputChannels: number
  /** In Hz. */
  readonly defaultSampleRate: number
}

/** An audio system, and why it can't be used where it can't. */
export interface HostInfo {
  readonly name: string
  readonly available: boolean
  readonly reason?: string
}

export function devices(): DeviceInfo[] {
  return call(() => native.devices())
}

export function hosts(): HostInfo[] {
  return call(() => native.hosts())
}

export const version: string = native.version()
