import {
  ACCEPTED,
  type Authenticator,
  type CloudSession,
  type DeliveryOutcome,
  type Identity,
  type Message,
  memoryMeter,
  type Sealer,
  silentLogger,
  type Store,
  systemClock,
  type Upstream,
} from '@edgewright/core'
import { Hub, StoredIdentityDirectory } from '@edgewright/hub'

/** Parts that every bench makes the hub with. */
export const parts = { clock: systemClock, logger: silentLogger, meter: memoryMeter() }

const plain: Sealer = { seal: value => value, unseal: value => value }
const everyone: Authenticator = { authenticate: ({ identity }) => ({ accepted: true, identity }) }

/** A hub with nothing around it but a store and a cloud. Everybody is let in. */
export function plainHub(store: Store, upstream: Upstream, routes: Readonly<Record<string, string>>): Hub {
  const source = { get: async () => undefined, async *list() {} }
  const directory = new StoredIdentityDirectory({ ...parts, store, sealer: plain, source })
  const components = { ...parts, store, upstream, authenticator: everyone, directory, sealer: plain }
  return new Hub(components, { deviceId: 'edge', routes, timeToLiveSecs: 0, maxClients: 100_000 })
}

/** A cloud that cannot be reached. */
export function offlineCloud(): Upstream {
  return cloud({ type: 'offline', since: 0, reason: 'there is no cloud' }, () => [])
}

/** A cloud that takes everything. @param take - told what came */
export function acceptingCloud(take: (batch: readonly Message[]) => void): Upstream {
  return cloud({ type: 'online', since: 0 }, batch => {
    take(batch)
    return batch.map(() => ACCEPTED)
  })
}

function cloud(
  connectivity: Upstream['connectivity'],
  send: (batch: readonly Message[]) => readonly DeliveryOutcome[],
): Upstream {
  const never = () => Promise.reject(new Error('not part of this bench'))
  const session = (identity: Identity): CloudSession => ({
    identity,
    send: async batch => send(batch),
    getTwin: never,
    report: never,
    handle: () => undefined,
    close: async () => undefined,
  })
  const done = async () => undefined
  const quiet = () => undefined
  return { connectivity, session, on: quiet, off: quiet, start: done, stop: done, [Symbol.asyncDispose]: done }
}
