import type { RingBuffer } from 'pastream-rs'
export function writeAll(ring: RingBuffer<'int16'>, samples: number, blocking?: boolean): Promise<void>
export function readAll(ring: RingBuffer<'int16'>, blocking?: boolean): Promise<number>
