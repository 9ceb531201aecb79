import { type Identity, identityKey } from '@edgewright/core'
import type { Registry } from './registry.js'
import type { Table } from './table.js'

/** A subscription of an MQTT client: filter and granted quality of service. */
export type Grant = readonly [filter: string, qos: 0 | 1]

/** The subscriptions of MQTT clients that asked for them to outlive the connection. */
export class StoredSubscriptions {
  readonly #records: Table<readonly Grant[]>

  constructor(records: Table<readonly Grant[]>, registry: Registry) {
    this.#records = records
    registry.watch(({ kind, entry }) => {
      if (kind === 'removed') records.delete(identityKey(entry.identity))
    })
  }

  /** What is kept for a client; undefined when it has no session. */
  find(identity: Identity): readonly Grant[] | undefined {
    return this.#records.get(identityKey(identity))
  }

  keep(identity: Identity, grants: Iterable<Grant>): void {
    this.#records.set(identityKey(identity), [...grants])
  }

  forget(identity: Identity): void {
    this.#records.delete(identityKey(identity))
  }
}
