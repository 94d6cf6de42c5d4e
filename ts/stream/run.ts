import { PastreamError } from '../error.ts'
import { hookError, type Task } from '../hook.ts'
import { FOR_EVER } from '../interrupt.ts'
import type { Stream } from './stream.ts'

/** How long a source or sink may take to return when its run is over. */
const PATIENCE_MS = 5000

function settled(tasks: Task[]): Promise<unknown> {
  return Promise.allSettled(tasks.map(({ done }) => done))
}

/** One run of a stream, which holds its stream and the process until its end is told. */
export class Run {
  /** Resolves when its end is told. */
  readonly over: Promise<void>
  /** The first thing that went wrong here. */
  error: PastreamError | undefined
  readonly #holding: NodeJS.Timeout
  readonly #abort: () => void
  readonly #pending = new Set<Task>()
  readonly #cutting: Promise<void>
  #cut = (): void => {}
  #end = (): void => {}

  constructor(stream: Stream, abort: () => void) {
    this.#holding = setInterval(() => stream, FOR_EVER)
    this.#abort = abort
    this.over = new Promise((resolve) => (this.#end = resolve))
    this.#cutting = new Promise((resolve) => (this.#cut = resolve))
  }

  /** Whether it waits for a hook. */
  get hooked(): boolean {
    return this.#pending.size > 0
  }

  add(task: Task): void {
    this.#pending.add(task)
    const through = (): void => void this.#pending.delete(task)
    task.done.then(through, (error: unknown) => {
      through()
      this.fail(hookError(task.name, error))
    })
  }

  /** Aborts the run. */
  fail(error: PastreamError): void {
    this.error ??= error
    this.#abort()
  }

  /** Lets what is written to a slow place have its time no longer. */
  cut(): void {
    this.#cut()
  }

  /** Waits until every hook has returned; five seconds for those that should be quick, and for the others once the run is cut short. */
  async join(): Promise<void> {
    await this.#return([...this.#pending].filter(({ slow }) => !slow))
    const slow = [...this.#pending]
    await Promise.race([settled(slow), this.#cutting])
    await this.#return(slow)
  }

  /** Waits for `tasks`, and ends those that don't return. */
  async #return(tasks: Task[]): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, PATIENCE_MS)))
    await Promise.race([settled(tasks), patience])
    clearTimeout(timer)
    for (const task of tasks) {
      if (!this.#pending.delete(task)) continue
      const end = task.kill ? 'was terminated' : 'is left alone'
      this.error ??= new PastreamError(
        'ERR_PASTREAM_STREAM_STATE',
        `${task.name} has not returned 5 s after the end of its run and ${end}: return when its ring is closed, or has ended and is empty`,
      )
      await task.kill?.()
    }
  }

  /** Lets the process go. */
  end(): void {
    clearInterval(this.#holding)
    this.#end()
  }
}
