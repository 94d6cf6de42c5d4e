import { PastreamError } from '../error.ts'
import { hookError, type Task } from '../hook.ts'
import { FOR_EVER } from '../interrupt.ts'
import type { Stream } from './stream.ts'

/** How long a source or sink may take to return when its run is over. */
const PATIENCE_MS = 5000

/** One run of a stream, which holds its stream and the process until its end is told. */
export class Run {
  /** Resolves when its end is told. */
  readonly over: Promise<void>
  /** The first thing that went wrong here. */
  error: PastreamError | undefined
  readonly #holding: NodeJS.Timeout
  readonly #abort: () => void
  readonly #pending = new Set<Task>()
  #end = (): void => {}

  constructor(stream: Stream, abort: () => void) {
    this.#holding = setInterval(() => stream, FOR_EVER)
    this.#abort = abort
    this.over = new Promise((resolve) => (this.#end = resolve))
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

  /** Waits until every hook has returned; of those that should be quick, for five seconds. */
  async join(cutShort: boolean): Promise<void> {
    const tasks = [...this.#pending]
    const settled = (some: Task[]) => Promise.allSettled(some.map(({ done }) => done))
    let timer: NodeJS.Timeout | undefined
    const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, PATIENCE_MS)))
    await Promise.race([settled(cutShort ? tasks : tasks.filter(({ slow }) => !slow)), patience])
    clearTimeout(timer)
    for (const task of tasks) {
      if (!this.#pending.has(task) || (task.slow && !cutShort)) continue
      this.#pending.delete(task)
      await task.kill?.()
      const end = task.kill ? 'was terminated' : 'is left alone'
      this.error ??= new PastreamError(
        'ERR_PASTREAM_STREAM_STATE',
        `${task.name} has not returned 5 s after the end of its run and ${end}: return when its ring is closed, or has ended and is empty`,
      )
    }
    await settled([...this.#pending])
  }

  /** Lets the process go. */
  end(): void {
    clearInterval(this.#holding)
    this.#end()
  }
}
