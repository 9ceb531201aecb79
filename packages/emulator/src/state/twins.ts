import {
  type Identity,
  type IdentityKey,
  identityKey,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type Twin,
  type TwinPatch,
} from '@edgewright/core'
import { HubError } from './hub-error.js'
import { generateEtag } from './identifiers.js'
import { diffPatch, mergePatch, type Section } from './merge-patch.js'
import type { Registry } from './registry.js'
import type { Table } from './table.js'
import { waitFor } from './wait-for.js'
import { assertTwinDocument, TWIN_LIMITS } from './twin-limits.js'

/** A twin as the hub keeps it. */
export interface TwinRecord {
  readonly tags: JsonObject
  readonly desired: Section
  readonly reported: Section
  /** Grows with every change of tags or desired properties. */
  readonly version: number
  readonly etag: string
  readonly modelId?: string | undefined
}

/** A change that a back-end makes. */
export interface TwinChange {
  readonly tags?: JsonObject | undefined
  readonly desired?: JsonObject | undefined
}

/** What the twins stand on. */
export interface TwinsOptions {
  readonly records: Table<TwinRecord>
  readonly registry: Registry
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** What happened to a twin. */
export type TwinEvent =
  | { readonly kind: 'desired'; readonly identity: Identity; readonly patch: TwinPatch }
  | { readonly kind: 'reported'; readonly identity: Identity; readonly patch: TwinPatch }
  | { readonly kind: 'tags'; readonly identity: Identity }

/** The twins of all devices and modules. */
export class Twins {
  readonly #options: TwinsOptions
  readonly #listeners = new Set<(event: TwinEvent) => void>()

  constructor(options: TwinsOptions) {
    this.#options = options
    options.registry.watch(({ kind, entry }) => {
      if (kind === 'removed') options.records.delete(identityKey(entry.identity))
    })
  }

  /** Tells of every change, after it happened. @returns stops it */
  watch(listener: (event: TwinEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Waits until a twin is as wanted; at once when it is already.
   *
   * @throws the signal's reason when it is aborted first
   */
  until(identity: Identity, wanted: (twin: TwinRecord) => boolean, signal?: AbortSignal): Promise<TwinRecord> {
    const look = () => {
      const twin = this.get(identity)
      return wanted(twin) ? twin : undefined
    }
    return waitFor(look, changed => this.watch(changed), signal)
  }

  /** @throws `HUB_DEVICE_NOT_FOUND`, `HUB_MODULE_NOT_FOUND` */
  get(identity: Identity): TwinRecord {
    this.#options.registry.get(identity)
    const key = identityKey(identity)
    const found = this.#options.records.get(key)
    if (found !== undefined) return found
    return this.#put(key, this.#empty())
  }

  /** What the client itself sees. */
  clientTwin(identity: Identity): Twin {
    const { desired, reported } = this.get(identity)
    return { desired, reported }
  }

  /**
   * Merges a patch into the reported properties.
   *
   * @returns the new version
   * @throws `HUB_ARGUMENT_INVALID` when a limit is passed; nothing is changed then
   */
  report(identity: Identity, patch: JsonObject): number {
    const twin = this.get(identity)
    const { $version: _, $metadata: __, ...change } = patch
    assertTwinDocument(change, 'reported', TWIN_LIMITS.propertiesBytes)
    const reported = this.#changed(twin.reported, change, {})
    assertTwinDocument(reported.properties, 'reported', TWIN_LIMITS.propertiesBytes)
    this.#put(identityKey(identity), { ...twin, reported })
    this.#tell({ kind: 'reported', identity, patch: { patch: change, version: reported.version } })
    return reported.version
  }

  /**
   * Changes tags and desired properties as a back-end asks for, and tells the client.
   *
   * @param mode - `merge`: parts are merge patches; `replace`: parts take the place of what was
   * @param etag - changes only a twin that still has it
   * @throws `HUB_PRECONDITION_FAILED`, `HUB_ARGUMENT_INVALID`; nothing is changed then
   */
  change(identity: Identity, change: TwinChange, mode: 'merge' | 'replace', etag?: string): TwinRecord {
    const twin = this.get(identity)
    if (etag !== undefined && etag !== twin.etag) {
      throw new HubError('PreconditionFailed', `Precondition failed: the entity tag is ${twin.etag}`)
    }
    const asPatch = (from: JsonObject, to: JsonObject) => (mode === 'merge' ? to : diffPatch(from, to))
    const tagsPatch = asPatch(twin.tags, change.tags ?? (mode === 'merge' ? {} : twin.tags))
    const {
      $version: _,
      $metadata: __,
      ...wanted
    } = change.desired ?? (mode === 'merge' ? {} : twin.desired.properties)
    const desiredPatch = asPatch(twin.desired.properties, wanted)
    const tags = mergePatch(twin.tags, {}, tagsPatch, { $lastUpdated: '' }).properties
    assertTwinDocument(tags, 'tags', TWIN_LIMITS.tagsBytes)
    const isDesiredChanged = change.desired !== undefined && Object.keys(desiredPatch).length > 0
    const version = twin.desired.version + 1
    const desired = isDesiredChanged
      ? this.#changed(twin.desired, desiredPatch, { $lastUpdatedVersion: version })
      : twin.desired
    assertTwinDocument(desired.properties, 'desired', TWIN_LIMITS.propertiesBytes)
    const changed = { ...twin, tags, desired, version: twin.version + 1, etag: generateEtag() }
    this.#put(identityKey(identity), changed)
    if (isDesiredChanged) this.#tell({ kind: 'desired', identity, patch: { patch: desiredPatch, version } })
    if (Object.keys(tagsPatch).length > 0) this.#tell({ kind: 'tags', identity })
    return changed
  }

  /** Keeps what a client says it implements. */
  setModelId(identity: Identity, modelId: string): void {
    const twin = this.get(identity)
    if (twin.modelId !== modelId) this.#put(identityKey(identity), { ...twin, modelId })
  }

  #changed(section: Section, patch: JsonObject, stamp: { readonly $lastUpdatedVersion?: number }): Section {
    const $lastUpdated = new Date(this.#options.now()).toISOString()
    const merged = mergePatch(section.properties, section.metadata, patch, { $lastUpdated, ...stamp })
    return { ...merged, version: section.version + 1 }
  }

  #empty(): TwinRecord {
    const $lastUpdated = new Date(this.#options.now()).toISOString()
    const section = { properties: {}, metadata: { $lastUpdated }, version: 1 }
    return { tags: {}, desired: section, reported: section, version: 2, etag: generateEtag() }
  }

  #tell(event: TwinEvent): void {
    for (const listener of [...this.#listeners]) listener(event)
  }

  #put(key: IdentityKey, twin: TwinRecord): TwinRecord {
    this.#options.records.set(key, twin)
    return twin
  }
}

/** A twin as its client reads it. Source: wire reference, section 2.7. */
export function clientTwinJson({ desired, reported }: Twin): JsonObject {
  return {
    desired: { ...desired.properties, $version: desired.version },
    reported: { ...reported.properties, $version: reported.version },
  }
}

/** A desired patch as its client reads it. */
export function desiredPatchJson({ patch, version }: TwinPatch): JsonObject {
  return version === undefined ? patch : { ...patch, $version: version }
}

/** A patch as a client sends it. @throws `HUB_ARGUMENT_INVALID` */
export function patchFromBytes(body: Uint8Array): JsonObject {
  let value: JsonValue
  try {
    value = JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    throw new HubError('ArgumentInvalid', 'The patch is not JSON')
  }
  if (!isJsonObject(value)) throw new HubError('ArgumentInvalid', 'The patch is not a JSON object')
  return value
}
