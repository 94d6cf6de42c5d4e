import { Writable } from 'node:stream'
import { callbackify } from 'node:util'
import { PastreamError } from './error.ts'
import type { Samples } from './format.ts'

/** Hands parts from one who gives to one who iterates, one at a time. */
export class Handoff<T> implements AsyncIterableIterator<T> {
  /** What is given and not yet asked for. */
  #part: { readonly value: T; readonly through: (taken: boolean) => void } | undefined
  /** Told when what was asked for last is through. */
  #through: ((taken: boolean) => void) | undefined
  #ask: ((result: IteratorResult<T, undefined>) => void) | undefined
  #ended = false

  /** Resolves when the part is through: true; or when nobody takes any more: false. */
  give(value: T): Promise<boolean> {
    if (this.#ended) return Promise.resolve(false)
    return new Promise((through) => {
      this.#part = { value, through }
      this.#hand()
    })
  }

  /** Nothing more is given, or taken. */
  end(): void {
    this.#ended = true
    this.#part?.through(false)
    this.#part = undefined
    this.#ask?.({ done: true, value: undefined })
  }

  #hand(): void {
    if (!this.#ask || !this.#part) return
    const { value, through } = this.#part
    this.#through = through
    this.#ask({ done: false, value })
    this.#ask = this.#part = undefined
  }

  next(): Promise<IteratorResult<T, undefined>> {
    this.#through?.(true)
    this.#through = undefined
    if (this.#ended) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve) => {
      this.#ask = resolve
      this.#hand()
    })
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#through?.(false)
    this.end()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}

/** A stream of Node's whose parts `play` plays, from the first one on; what ends it before its time calls `abort`. */
export function writer(
  play: (parts: Handoff<Samples>) => Promise<void>,
  abort: () => void,
  parts = new Handoff<Samples>(),
): Writable {
  let run: Promise<void> | undefined
  let over = false
  const begin = (): Promise<void> => {
    if (run) return run
    run = play(parts).finally(() => {
      over = true
      parts.end()
    })
    // Also while nothing is written.
    run.catch((error: Error) => writable.destroy(error))
    return run
  }
  const writable = new Writable({
    decodeStrings: false,
    write: callbackify(async (part: Samples, _encoding: string) => {
      const playing = begin()
      if (await parts.give(part)) return
      // The run's own error first.
      await playing
      throw new PastreamError('ERR_PASTREAM_STREAM_STATE', 'the run is over: what is written now is not played')
    }) as never,
    final: callbackify(async () => {
      const playing = begin()
      parts.end()
      await playing
    }),
    destroy: callbackify(async (reason: Error | null) => {
      if (run && !over) abort()
      else parts.end()
      await run?.catch(() => {})
      if (reason) throw reason
    }),
  })
  return writable
}
