import { type DeliveryOutcome, type Endpoint, type QueuedMessage, retry } from '@edgewright/core'

/** Takes messages for one input of a module: a connected session that is subscribed to inputs. */
export interface InputReceiver {
  deliverInputs(
    input: string,
    batch: readonly QueuedMessage[],
    signal: AbortSignal,
  ): Promise<readonly DeliveryOutcome[]>
}

/** Id of the endpoint of a module's input. */
export function inputEndpointId(moduleId: string, input: string): string {
  return `input/${moduleId}/${input}`
}

/** The module and input of an endpoint id; undefined for an endpoint of another kind. */
export function parseInputEndpointId(id: string): { readonly moduleId: string; readonly input: string } | undefined {
  const parts = /^input\/([^/]+)\/(.+)$/s.exec(id)
  return parts === null ? undefined : { moduleId: parts[1]!, input: parts[2]! }
}

/**
 * A module's input as an endpoint.
 *
 * @param receiver - the module's session, when it is connected and takes inputs
 */
export function inputEndpoint(moduleId: string, input: string, receiver: () => InputReceiver | undefined): Endpoint {
  return {
    id: inputEndpointId(moduleId, input),
    async deliver(batch, signal) {
      const session = receiver()
      if (session === undefined) return batch.map(() => retry('the module is not connected'))
      return session.deliverInputs(input, batch, signal)
    },
  }
}
