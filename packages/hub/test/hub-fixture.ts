import {
  type ClientDelivery,
  type ClientPeer,
  type HubSession,
  type Identity,
  type IdentityRecord,
  identityKey,
  memoryMeter,
  type ReadableMeter,
  type Sealer,
  type SessionEnd,
  silentLogger,
  type Store,
  type Subscription,
  type TwinPatch,
} from '@edgewright/core'
import { MemoryStore } from '@edgewright/store-memory'
import { virtualClock } from '@edgewright/testkit'
import { Hub, type HubOptions, StoredIdentityDirectory } from '../src/index.js'
import { CloudDouble } from './cloud-double.js'

/** A hub with everything around it, in memory. */
export interface HubFixture extends AsyncDisposable {
  readonly hub: Hub
  readonly cloud: CloudDouble
  readonly clock: ReturnType<typeof virtualClock>
  readonly directory: StoredIdentityDirectory
  readonly meter: ReadableMeter
  readonly store: Store
  /** What the cloud's registry holds. */
  readonly registry: Map<string, IdentityRecord>
}

/** @param store - a store that an earlier hub used, to see what is left after a restart */
export async function startHub(
  options: Partial<HubOptions> = {},
  store: Store = new MemoryStore(),
): Promise<HubFixture> {
  const clock = virtualClock()
  const meter = memoryMeter()
  const cloud = new CloudDouble()
  const registry = new Map<string, IdentityRecord>()
  const sealer: Sealer = { seal: value => value, unseal: value => value }
  const parts = { store, sealer, clock, logger: silentLogger, meter }
  const directory = new StoredIdentityDirectory({
    ...parts,
    source: {
      get: async identity => registry.get(identityKey(identity)),
      async *list() {
        yield* registry.values()
      },
    },
  })
  const hub = new Hub(
    {
      ...parts,
      directory,
      upstream: cloud,
      authenticator: { authenticate: ({ identity }) => ({ accepted: true, identity }) },
    },
    { deviceId: 'edge', ...options },
  )
  await store.start()
  await directory.start()
  await hub.start()
  return {
    hub,
    cloud,
    clock,
    directory,
    meter,
    store,
    registry,
    async [Symbol.asyncDispose]() {
      await hub.stop()
      await directory.stop()
      await store.stop()
    },
  }
}

/** A client of the hub that keeps what it is given. */
export class Client implements ClientPeer {
  readonly transport = 'test'
  readonly deliveries: ClientDelivery[] = []
  readonly desiredPatches: TwinPatch[] = []
  ended: SessionEnd | undefined
  session!: HubSession
  restored: ReadonlySet<Subscription> = new Set()
  /** Settles what arrives; by default everything is completed. */
  onDelivery: (delivery: ClientDelivery) => void = delivery => delivery.settle('completed')
  #waiting: { count: number; resolve: () => void }[] = []

  static async connect(hub: Hub, identity: Identity, persistent = false): Promise<Client> {
    const client = new Client()
    const { session, restored } = await hub.openSession({ identity, peer: client, persistent })
    client.session = session
    client.restored = restored
    return client
  }

  deliver(deliveries: readonly ClientDelivery[]): void {
    for (const delivery of deliveries) {
      this.deliveries.push(delivery)
      this.onDelivery(delivery)
    }
    this.#waiting = this.#waiting.filter(({ count, resolve }) => {
      if (this.deliveries.length < count) return true
      resolve()
      return false
    })
  }

  /** Resolves when so many messages were delivered. */
  delivered(count: number): Promise<void> {
    if (this.deliveries.length >= count) return Promise.resolve()
    return new Promise(resolve => this.#waiting.push({ count, resolve }))
  }

  texts(): string[] {
    return this.deliveries.map(({ message }) => Buffer.from(message.body).toString())
  }

  desired(patch: TwinPatch): void {
    this.desiredPatches.push(patch)
  }

  async method(): Promise<{ status: number }> {
    return { status: 200 }
  }

  close(end: SessionEnd): void {
    this.ended = end
  }
}
