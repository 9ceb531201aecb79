import { type Connectivity, type IdentityKey, identityKey, type MeterReading, type Store } from '@edgewright/core'
import { type Hub, parseQueueName } from '@edgewright/hub'
import type { CertificateStatus } from '@edgewright/security'
import type { ModuleStatus } from '@edgewright/supervisor'

/** What goes on in a gateway right now. */
export interface GatewayStatus {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly connectivity: Connectivity
  /** Routes that are in force or carried something since the start, with what they carried. */
  readonly routes: readonly { readonly name: string; readonly messages: number }[]
  /** Endpoints with what waits for them and what they took since the start. */
  readonly queues: readonly { readonly endpoint: string; readonly waiting: number; readonly delivered: number }[]
  readonly clients: readonly { readonly id: IdentityKey; readonly transport: string }[]
  /** Modules that are wanted or there, in startup order, with why each is so and what is done about it. */
  readonly modules: readonly Pick<ModuleStatus, 'name' | 'state' | 'restarts' | 'reason' | 'failure'>[]
  /** What expires when, the soonest first: `server`, `authority`, and `device` when it proves itself by certificate. */
  readonly certificates: readonly CertificateStatus[]
}

/** What a status is read from. */
export interface StatusSources {
  readonly at: number
  readonly connectivity: Connectivity
  readonly readings: readonly MeterReading[]
  readonly store: Store
  readonly hub: Hub
  readonly modules: readonly ModuleStatus[]
  readonly certificates: readonly CertificateStatus[]
}

/** The status, from counters and queues as they stand. */
export function gatewayStatus({
  at,
  connectivity,
  readings,
  store,
  hub,
  modules,
  certificates,
}: StatusSources): GatewayStatus {
  const routed = new Map(hub.routes.map(name => [name, 0]))
  const queues = new Map<string, { waiting: number; delivered: number }>()
  const queue = (endpoint: string) => {
    let entry = queues.get(endpoint)
    if (entry === undefined) queues.set(endpoint, (entry = { waiting: 0, delivered: 0 }))
    return entry
  }
  for (const { name, labels, value } of readings) {
    if (name === 'edgewright_messages_routed_total') routed.set(labels.route ?? '', value)
    if (name === 'edgewright_messages_delivered_total') queue(labels.endpoint ?? '').delivered = value
  }
  for (const { queue: name, length } of store.queues()) {
    const endpoint = parseQueueName(name)?.endpoint
    if (endpoint !== undefined) queue(endpoint).waiting += length
  }
  return {
    at,
    connectivity,
    routes: Array.from(routed, ([name, messages]) => ({ name, messages })),
    queues: Array.from(queues, ([endpoint, counts]) => ({ endpoint, ...counts })),
    modules: modules.map(({ name, state, restarts, reason, failure }) => ({
      ...{ name, state, restarts, reason },
      ...(failure === undefined ? {} : { failure }),
    })),
    clients: hub.clients.map(({ identity, transport }) => ({ id: identityKey(identity), transport })),
    certificates,
  }
}
