import { join } from 'node:path'
import { Worker, workerData } from 'node:worker_threads'
import { invalid } from './error.ts'
import type { Format } from './format.ts'
import { runSink, runSource, type SinkFunction, type SourceFunction, type Task } from './hook.ts'
import { native } from './native.ts'
import { RingBuffer } from './ring.ts'
import { FOR_EVER } from './interrupt.ts'
import { StreamView } from './stream/view.ts'

/** What a worker needs to know. */
interface Job {
  readonly url: string
  readonly args: unknown[]
  readonly stream: number
  readonly memory: SharedArrayBuffer
  readonly role: 'source' | 'sink'
  readonly loop: boolean
}

/** A source or sink that runs in a worker thread of its own; see `thread`. */
export class Thread {
  /** The module, whose default export is a `SourceFunction` or a `SinkFunction`. */
  readonly url: string
  /** What it gets after the stream and the ring. */
  readonly args: unknown[]

  /** @internal */
  constructor(url: string, args: unknown[]) {
    this.url = url
    this.args = args
  }

  /** @internal Starts the worker for one run. */
  begin(role: Job['role'], stream: number, ring: RingBuffer<Format>, loop: boolean): Task {
    const job: Job = { url: this.url, args: this.args, stream, memory: ring.memory, role, loop }
    // Beside the bundle, and not in it: what a worker loads first must not be the whole program.
    const worker = new Worker(join(__dirname, 'worker.cjs'), { workerData: job })
    const done = new Promise<void>((resolve, reject) => {
      worker.once('error', reject)
      // Where the run is over it may leave as it likes.
      const through = (): boolean => ring.ended || ring.closed
      worker.once('exit', (code) =>
        through() ? resolve() : reject(new Error(`its thread ended with status ${code} before it returned`)),
      )
    })
    return { name: `the ${role} in ${this.url}`, done, kill: () => worker.terminate() }
  }
}

/**
 * A source or sink that runs in a worker thread of its own: the default export of the module at `url` is called there
 * as `(stream, ring, ...args)` at each start, and joined at the end. A recording begins when its module is loaded. `stream` tells what a stream is and counts.
 * Once the run is over its ring is closed (a source's) or ended (a sink's); a worker that has not returned 5 s after
 * that is terminated, which is an error.
 */
export function thread(url: URL | string, { args = [] }: { args?: unknown[] } = {}): Thread {
  const text = String(url)
  if (!URL.canParse(text)) throw invalid(`${text} is no URL: give new URL('./tone.js', import.meta.url)`)
  if (!Array.isArray(args)) throw invalid('args is an array')
  try {
    structuredClone(args)
  } catch (error) {
    throw invalid(`args can't go to another thread: ${String(error)}`)
  }
  return new Thread(text, args)
}

/** What a worker does. */
export async function work(): Promise<void> {
  const { url, args, stream: id, memory, role, loop } = workerData as Job
  const ring = RingBuffer.from<Format>(memory)
  const binding = native.BindingStream.shared(id)
  if (!binding) return
  // What else than a ring it may wait for holds no thread.
  const holding = setInterval(() => {}, FOR_EVER)
  try {
    const module = (await import(url)) as { default?: unknown }
    const hook = module.default as (SourceFunction & SinkFunction) | undefined
    if (typeof hook !== 'function') throw invalid('its default export is no function (stream, ring, …)')
    ring.readerAway = false
    const view = new StreamView(binding)
    if (role === 'source') await runSource(hook as never, view, ring, args, loop)
    else await runSink(hook as never, view, ring, args)
  } catch (error) {
    // At once, and not when the main thread finds the time.
    void binding.abort()
    throw error
  } finally {
    clearInterval(holding)
  }
}
