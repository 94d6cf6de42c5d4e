// Writes in a thread of its own.
import { workerData } from 'node:worker_threads'
import { RingBuffer } from 'pastream-rs'
import { writeAll } from './ends.js'

await writeAll(RingBuffer.from(workerData.memory), workerData.samples, workerData.blocking)
