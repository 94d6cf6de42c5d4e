// Reads in a thread of its own, and posts how many samples were right.
import { parentPort, workerData } from 'node:worker_threads'
import { RingBuffer } from 'pastream-rs'
import { readAll } from './ends.js'

parentPort?.postMessage(await readAll(RingBuffer.from(workerData.memory), workerData.blocking))
