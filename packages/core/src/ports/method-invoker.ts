import type { Identity } from '../identity.js'
import type { MethodRequest, MethodResponse } from '../method.js'

/** Calls methods of connected clients for others: what a front-end needs to let modules call one another. */
export interface MethodInvoker {
  /**
   * Calls a method, waiting up to the request's connect time-out for the target to take methods, and up to its response
   * time-out for the answer.
   *
   * @param caller - who asks, as it was authenticated
   * @throws `METHOD_NOT_ALLOWED` when the caller is not a module of this device; `METHOD_NO_CLIENT` when the target is
   *   not there in time, or leaves; `METHOD_TIMEOUT` when it does not answer in time; the signal's reason
   */
  invokeMethod(
    caller: Identity,
    target: Identity,
    request: MethodRequest,
    signal?: AbortSignal,
  ): Promise<MethodResponse>
}
