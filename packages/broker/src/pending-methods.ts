import { randomUUID } from 'node:crypto'
import { EdgewrightError, type MethodResponse } from '@edgewright/core'

/** The method calls that one client has not answered. */
export class PendingMethods {
  readonly #limit: number
  /** Made when first needed: most clients are idle, and many. */
  #waiting: Map<string, Waiting> | undefined

  /** @param limit - calls at once */
  constructor(limit: number) {
    this.#limit = limit
  }

  /**
   * Calls, and waits for the answer.
   *
   * @param call - sends the call under the request id given
   * @throws `METHOD_LIMIT` when too many wait already; the signal's reason; what {@link rejectAll} was given
   */
  call(call: (requestId: string) => void, signal: AbortSignal): Promise<MethodResponse> {
    this.#waiting ??= new Map()
    const waiting = this.#waiting
    if (waiting.size >= this.#limit) return Promise.reject(methodLimit(this.#limit))
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const requestId = randomUUID()
      const abort = () => {
        waiting.delete(requestId)
        reject(signal.reason)
      }
      const done = () => signal.removeEventListener('abort', abort)
      signal.addEventListener('abort', abort, { once: true })
      waiting.set(requestId, { resolve, reject, done })
      call(requestId)
    })
  }

  /** An answer came; one that nobody waits for is let go. Ids are compared without case. */
  answer(requestId: string, response: MethodResponse): void {
    this.#take(requestId.toLowerCase())?.resolve(response)
  }

  /** The client is gone. */
  rejectAll(error: EdgewrightError): void {
    for (const requestId of [...(this.#waiting?.keys() ?? [])]) this.#take(requestId)?.reject(error)
  }

  #take(requestId: string): Waiting | undefined {
    const waiting = this.#waiting?.get(requestId)
    this.#waiting?.delete(requestId)
    waiting?.done()
    return waiting
  }
}

interface Waiting {
  readonly resolve: (response: MethodResponse) => void
  readonly reject: (reason: unknown) => void
  readonly done: () => void
}

function methodLimit(limit: number): EdgewrightError {
  return new EdgewrightError('METHOD_LIMIT', `${limit} method calls wait for this client's answer already`, {
    remedy: 'Call fewer at once, or raise maxMethods of the front-end.',
  })
}
