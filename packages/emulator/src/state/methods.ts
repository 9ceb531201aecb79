import type { Clock, Identity, MethodRequest, MethodResponse } from '@edgewright/core'
import type { ClientHandlers, Clients } from './clients.js'
import { HubError } from './hub-error.js'
import type { Registry } from './registry.js'

/** What direct methods stand on. */
export interface MethodsOptions {
  readonly clients: Clients
  readonly registry: Registry
  readonly clock: Clock
}

/** Direct methods: a call finds its client, or waits for it, and the answer comes back in time or not at all. */
export class Methods {
  readonly #options: MethodsOptions

  constructor(options: MethodsOptions) {
    this.#options = options
  }

  /**
   * Calls a method.
   *
   * @throws `HUB_DEVICE_NOT_FOUND`, `HUB_MODULE_NOT_FOUND`; `HUB_DEVICE_NOT_ONLINE` when the client is not there within
   * the connect time-out; `HUB_METHOD_TIMEOUT` when it does not answer in time, or goes away
   */
  async invoke(identity: Identity, request: MethodRequest): Promise<MethodResponse> {
    this.#options.registry.get(identity)
    const handler = await this.#handler(identity, request.connectTimeout)
    const ended = new AbortController()
    const timeout = new HubError('GatewayTimeout', `The client did not answer within ${request.responseTimeout} ms`)
    const timer = this.#options.clock.after(request.responseTimeout, () => ended.abort(timeout))
    try {
      const aborted = new Promise<never>((_, reject) => {
        ended.signal.addEventListener('abort', () => reject(ended.signal.reason))
      })
      return await Promise.race([handler(request, ended.signal), aborted])
    } catch {
      throw timeout
    } finally {
      timer.cancel()
    }
  }

  async #handler(identity: Identity, timeout: number): Promise<ClientHandlers['method']> {
    const { clients, clock } = this.#options
    const ended = new AbortController()
    const offline = new HubError('DeviceNotOnline', 'The client is not connected, or takes no methods')
    const timer = clock.after(timeout, () => ended.abort(offline))
    try {
      return await clients.whenListening(identity, 'method', ended.signal)
    } finally {
      timer.cancel()
    }
  }
}
