import { type DeliveryOutcome, type Endpoint, type QueuedMessage, retry, type Upstream } from '@edgewright/core'

/** Id of the endpoint that `$upstream` leads to. */
export const UPSTREAM_ENDPOINT_ID = 'upstream'

/** The cloud as an endpoint: every message leaves on its sender's own session. */
export function upstreamEndpoint(upstream: Upstream): Endpoint {
  return {
    id: UPSTREAM_ENDPOINT_ID,
    async deliver(batch: readonly QueuedMessage[], signal: AbortSignal): Promise<readonly DeliveryOutcome[]> {
      const first = batch[0]
      if (first === undefined) return []
      if (upstream.connectivity.type === 'offline') return batch.map(() => retry('the cloud cannot be reached'))
      const messages = batch.map(({ message }) => message)
      return upstream.session(first.sender).send(messages, signal)
    },
  }
}
