import {
  type Clock,
  EdgewrightError,
  type Identity,
  type IdentityKey,
  identityKey,
  type MethodRequest,
  type MethodResponse,
} from '@edgewright/core'
import type { ClientSession } from '../sessions/client-session.js'

/** What {@link MethodCalls} works with. */
export interface MethodCallComponents {
  readonly clock: Clock
  /** The client's session, when it takes methods now. */
  readonly session: (identity: Identity) => ClientSession | undefined
}

/** Calls methods of clients: waits for the client to be there, then for its answer, each no longer than asked for. */
export class MethodCalls {
  readonly #parts: MethodCallComponents
  readonly #waiting = new Map<IdentityKey, Set<() => void>>()

  constructor(parts: MethodCallComponents) {
    this.#parts = parts
  }

  /** Says that a client takes methods from now on. */
  ready(identity: Identity): void {
    for (const wake of this.#waiting.get(identityKey(identity)) ?? []) wake()
  }

  /** @throws `METHOD_NO_CLIENT`, `METHOD_TIMEOUT`, the signal's reason */
  async call(target: Identity, request: MethodRequest, signal?: AbortSignal): Promise<MethodResponse> {
    const session = this.#parts.session(target) ?? (await this.#connected(target, request.connectTimeout, signal))
    const ended = new AbortController()
    const timer = this.#parts.clock.after(request.responseTimeout, () => ended.abort(noAnswer(target, request)))
    const given = signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal])
    try {
      return await Promise.race([session.invoke(request, given), rejection(given)])
    } finally {
      timer.cancel()
    }
  }

  /** Waits for a client to take methods. */
  #connected(target: Identity, timeout: number, signal?: AbortSignal): Promise<ClientSession> {
    const key = identityKey(target)
    const waiting = this.#waiting.get(key) ?? new Set()
    this.#waiting.set(key, waiting)
    return new Promise<ClientSession>((resolve, reject) => {
      const end = () => {
        waiting.delete(wake)
        if (waiting.size === 0) this.#waiting.delete(key)
        timer.cancel()
        signal?.removeEventListener('abort', onAbort)
      }
      const wake = () => {
        const session = this.#parts.session(target)
        if (session === undefined) return
        end()
        resolve(session)
      }
      const onAbort = () => {
        end()
        reject(signal?.reason)
      }
      const timer = this.#parts.clock.after(timeout, () => {
        end()
        reject(noClient(target))
      })
      signal?.addEventListener('abort', onAbort, { once: true })
      if (signal?.aborted) onAbort()
      else waiting.add(wake)
    })
  }
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

function noClient(target: Identity): EdgewrightError {
  return new EdgewrightError('METHOD_NO_CLIENT', 'The client does not take methods now', {
    place: identityKey(target),
    remedy: 'Try again when it is connected, or give a connect time-out.',
  })
}

function noAnswer(target: Identity, { name, responseTimeout }: MethodRequest): EdgewrightError {
  return new EdgewrightError('METHOD_TIMEOUT', `The client did not answer within ${responseTimeout} ms`, {
    place: `${identityKey(target)}: ${name}`,
    remedy: 'Give a longer response time-out, or look at what the client does.',
  })
}
