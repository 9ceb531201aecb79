import type { MethodResponse } from '@edgewright/core'

interface Pending {
  readonly resolve: (response: MethodResponse) => void
  readonly reject: (reason: unknown) => void
}

/** Method calls of one client that wait for their answers. Ids are compared without case; late answers are ignored. */
export class PendingCalls {
  readonly #calls = new Map<string, Pending>()

  /** Waits for the answer to a call. @throws the signal's reason, or when the client goes away */
  wait(id: string, signal: AbortSignal): Promise<MethodResponse> {
    const key = id.toLowerCase()
    return new Promise<MethodResponse>((resolve, reject) => {
      this.#calls.set(key, { resolve, reject })
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    }).finally(() => this.#calls.delete(key))
  }

  answer(id: string, response: MethodResponse): void {
    this.#calls.get(id.toLowerCase())?.resolve(response)
  }

  /** The client is gone: nothing will be answered any more. */
  abandon(): void {
    for (const { reject } of [...this.#calls.values()]) reject(new Error('The client has gone'))
  }
}
