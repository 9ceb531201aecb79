/** Requests that wait for their answer, by id. */
export class Pending<T> {
  readonly #waiting = new Map<
    string,
    { readonly resolve: (answer: T) => void; readonly reject: (error: unknown) => void }
  >()
  #ended: unknown

  /** @throws what ended it, or the signal's reason */
  wait(id: string, signal: AbortSignal): Promise<T> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    if (signal.aborted) return Promise.reject(signal.reason)
    const answer = new Promise<T>((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
    const onAbort = () => this.#take(id)?.reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    return answer.finally(() => signal.removeEventListener('abort', onAbort))
  }

  /** An answer; one that nobody waits for any more is passed over. */
  answer(id: string, answer: T): void {
    this.#take(id)?.resolve(answer)
  }

  /** No more answers will come. */
  end(error: unknown): void {
    this.#ended ??= error
    for (const id of [...this.#waiting.keys()]) this.#take(id)?.reject(error)
  }

  #take(id: string) {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    return waiting
  }
}
