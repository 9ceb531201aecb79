import type { JsonObject } from '@edgewright/core'
import { HubError } from './hub-error.js'
import { assertId, generateEtag } from './identifiers.js'
import type { Table } from './table.js'

/** A deployment or device configuration that applies by itself to all targets of its condition. */
export interface Configuration {
  readonly id: string
  readonly schemaVersion: string
  readonly labels: JsonObject
  /** `modulesContent` for edge devices, `deviceContent` for others, `moduleContent` for modules. */
  readonly content: JsonObject
  readonly targetCondition: string
  /** The highest wins. */
  readonly priority: number
  readonly metrics: JsonObject
  /** ISO 8601. */
  readonly createdTimeUtc: string
  readonly lastUpdatedTimeUtc: string
  readonly etag: string
}

/** A configuration to be made or changed; what is left out has a default, or stays. */
export type ConfigurationChange = Partial<
  Pick<Configuration, 'schemaVersion' | 'labels' | 'content' | 'targetCondition' | 'priority' | 'metrics'>
>

/** The most configurations a hub holds. Source: IoT Hub quotas. */
export const MAX_CONFIGURATIONS = 100

/** The hub's automatic configurations. */
export class Configurations {
  readonly #records: Table<Configuration>
  readonly #now: () => number
  readonly #listeners = new Set<() => void>()

  constructor(records: Table<Configuration>, now: () => number) {
    this.#records = records
    this.#now = now
  }

  /** Tells of every change, after it happened. @returns stops it */
  watch(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** All of them, the highest priority first; of equals the newer. */
  list(): readonly Configuration[] {
    return [...this.#records.values()].sort(
      (a, b) => b.priority - a.priority || b.createdTimeUtc.localeCompare(a.createdTimeUtc),
    )
  }

  /** @throws `HUB_CONFIGURATION_NOT_FOUND` */
  get(id: string): Configuration {
    const found = this.#records.get(id)
    if (found === undefined) throw new HubError('ConfigurationNotFound', `Configuration ${id} does not exist`)
    return found
  }

  /** @throws `HUB_CONFIGURATION_EXISTS`, `HUB_QUOTA_EXCEEDED`, `HUB_ARGUMENT_INVALID` */
  create(id: string, change: ConfigurationChange): Configuration {
    assertId(id, 'id')
    if (this.#records.get(id) !== undefined) {
      throw new HubError('ConfigurationAlreadyExists', `Configuration ${id} exists already`)
    }
    if (this.#records.size >= MAX_CONFIGURATIONS) {
      throw new HubError('QuotaExceeded', `There are ${MAX_CONFIGURATIONS} configurations already`)
    }
    const createdTimeUtc = new Date(this.#now()).toISOString()
    return this.#put({
      ...EMPTY,
      id,
      ...change,
      createdTimeUtc,
      lastUpdatedTimeUtc: createdTimeUtc,
      etag: generateEtag(),
    })
  }

  /** @throws `HUB_CONFIGURATION_NOT_FOUND`, `HUB_PRECONDITION_FAILED`, `HUB_ARGUMENT_INVALID` when the content differs */
  update(id: string, change: ConfigurationChange, etag?: string): Configuration {
    const before = this.get(id)
    assertEtag(before, etag)
    if (change.content !== undefined && JSON.stringify(change.content) !== JSON.stringify(before.content)) {
      throw new HubError('ArgumentInvalid', 'The content of a configuration cannot be changed')
    }
    const lastUpdatedTimeUtc = new Date(this.#now()).toISOString()
    return this.#put({ ...before, ...change, lastUpdatedTimeUtc, etag: generateEtag() })
  }

  /** @throws `HUB_CONFIGURATION_NOT_FOUND`, `HUB_PRECONDITION_FAILED` */
  remove(id: string, etag?: string): void {
    assertEtag(this.get(id), etag)
    this.#records.delete(id)
    this.#changed()
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener()
  }

  #put(configuration: Configuration): Configuration {
    this.#records.set(configuration.id, configuration)
    this.#changed()
    return configuration
  }
}

const EMPTY = Object.freeze({
  schemaVersion: '1.0',
  labels: {},
  content: {},
  targetCondition: '',
  priority: 0,
  metrics: { results: {}, queries: {} },
})

function assertEtag({ etag }: Configuration, wanted: string | undefined): void {
  if (wanted !== undefined && wanted !== etag) {
    throw new HubError('PreconditionFailed', `Precondition failed: the entity tag is ${etag}`)
  }
}
