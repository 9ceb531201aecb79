import {
  applyMergePatch,
  combineMergePatches,
  describeError,
  diffMergePatch,
  EdgewrightError,
  type Identity,
  identityFromKey,
  type IdentityKey,
  identityKey,
  type JsonObject,
  type Logger,
  type Sealer,
  type Store,
  type Twin,
  type TwinPatch,
  type Upstream,
} from '@edgewright/core'
import { SealedTable } from '../sealed-table.js'
import { validateTwinPatch, validateTwinSize } from './twin-limits.js'

/** What {@link TwinKeeper} works with. */
export interface TwinComponents {
  readonly store: Store
  readonly sealer: Sealer
  readonly upstream: Upstream
  readonly logger: Logger
}

/** One twin as it is kept. */
interface KeptTwin {
  /** As last seen in the cloud, and merged since; absent when it was never seen. */
  readonly twin?: Twin | undefined
  /** Reported offline: one patch, deletions in it, for when the link returns. */
  readonly pending?: JsonObject | undefined
}

/**
 * Twins, also without a link: a copy of what the cloud holds, and what clients reported meanwhile.
 * Operations on one twin happen one after the other.
 */
export class TwinKeeper {
  readonly #parts: TwinComponents
  readonly #table: SealedTable<KeptTwin>
  readonly #turns = new Map<IdentityKey, Promise<unknown>>()

  constructor(parts: TwinComponents) {
    this.#parts = parts
    this.#table = new SealedTable('twins', parts)
  }

  /**
   * The twin, from the cloud when it can be reached, else as last seen; what was reported offline is in it.
   *
   * @throws `TWIN_UNAVAILABLE` when it was never seen
   */
  get(identity: Identity, signal?: AbortSignal): Promise<Twin> {
    return this.#inTurn(identity, async () => {
      const kept = await this.#fetch(identity, signal)
      if (kept.twin === undefined) throw unavailable(identity)
      return withPending(kept)
    })
  }

  /**
   * Merges a patch and sends it to the cloud, at once or when the link returns.
   *
   * @returns the new version of the reported properties, when the cloud has told it
   * @throws `TWIN_INVALID`; `UPSTREAM_REFUSED` when the cloud refuses it now
   */
  report(identity: Identity, patch: JsonObject, signal?: AbortSignal): Promise<number | undefined> {
    validateTwinPatch(patch)
    return this.reportOwn(identity, patch, signal)
  }

  /** The same for patches that this gateway makes itself, whose names may be what clients' may not. */
  reportOwn(identity: Identity, patch: JsonObject, signal?: AbortSignal): Promise<number | undefined> {
    return this.#inTurn(identity, async () => {
      const kept = await this.#read(identity)
      const pending = combineMergePatches(kept.pending ?? {}, patch)
      const reported = kept.twin?.reported.properties ?? {}
      validateTwinSize(applyMergePatch(reported, pending))
      await this.#table.put(identityKey(identity), { ...kept, pending })
      return this.#push(identity, signal)
    })
  }

  /**
   * Takes a change of desired properties from the cloud.
   *
   * @returns what the client is to be told: the patch itself, or all that changed when some were missed
   */
  desired(identity: Identity, patch: TwinPatch): Promise<TwinPatch | undefined> {
    return this.#inTurn(identity, async () => {
      const kept = await this.#read(identity)
      const before = kept.twin?.desired
      if (before !== undefined && patch.version === before.version + 1) {
        const desired = { properties: applyMergePatch(before.properties, patch.patch), version: patch.version }
        await this.#table.put(identityKey(identity), { ...kept, twin: { ...kept.twin!, desired } })
        return patch
      }
      const after = (await this.#fetch(identity)).twin?.desired
      if (before === undefined || after === undefined) return patch
      if (after.version === before.version) return undefined
      return { patch: diffMergePatch(before.properties, after.properties), version: after.version }
    })
  }

  /** What changed in the desired properties since they were last seen; undefined when nothing did. */
  catchUp(identity: Identity): Promise<TwinPatch | undefined> {
    return this.#inTurn(identity, async () => {
      const before = (await this.#read(identity)).twin?.desired
      const after = (await this.#fetch(identity)).twin?.desired
      if (before === undefined || after === undefined || after.version === before.version) return undefined
      return { patch: diffMergePatch(before.properties, after.properties), version: after.version }
    })
  }

  /** Sends what was reported offline, one twin after the other. Failures are logged and leave the patch for next time. */
  async flush(): Promise<void> {
    for await (const [key, { pending }] of this.#table.entries()) {
      if (pending === undefined) continue
      const identity = identityFromKey(key)
      await this.#inTurn(identity, () => this.#push(identity)).catch(() => undefined)
    }
  }

  async #fetch(identity: Identity, signal?: AbortSignal): Promise<KeptTwin> {
    const kept = await this.#read(identity)
    if (this.#parts.upstream.connectivity.type === 'offline') return kept
    try {
      const twin = await this.#parts.upstream.session(identity).getTwin(signal)
      const fresh = { ...kept, twin }
      await this.#table.put(identityKey(identity), fresh)
      return fresh
    } catch (error) {
      this.#log('a twin could not be read from the cloud, the last copy is used', identity, error)
      return kept
    }
  }

  /** Sends the pending patch, when there is a link. Only a refusal throws; it ends the patch, as it would be refused again. */
  async #push(identity: Identity, signal?: AbortSignal): Promise<number | undefined> {
    const key = identityKey(identity)
    const kept = await this.#read(identity)
    if (kept.pending === undefined || this.#parts.upstream.connectivity.type === 'offline') return undefined
    try {
      const version = await this.#parts.upstream.session(identity).report(kept.pending, signal)
      const twin = kept.twin && { ...withPending(kept), reported: { ...withPending(kept).reported, version } }
      await this.#table.put(key, { twin })
      return version
    } catch (error) {
      this.#log('reported properties did not reach the cloud', identity, error)
      if (!EdgewrightError.is(error, 'UPSTREAM_REFUSED')) return undefined
      await this.#table.put(key, { twin: kept.twin })
      throw error
    }
  }

  async #read(identity: Identity): Promise<KeptTwin> {
    return (await this.#table.get(identityKey(identity))) ?? {}
  }

  #inTurn<T>(identity: Identity, step: () => Promise<T>): Promise<T> {
    const key = identityKey(identity)
    const before = this.#turns.get(key) ?? Promise.resolve()
    const next = before.then(step, step)
    const settled = next
      .catch(() => undefined)
      .finally(() => {
        if (this.#turns.get(key) === settled) this.#turns.delete(key)
      })
    this.#turns.set(key, settled)
    return next
  }

  #log(message: string, identity: Identity, error: unknown): void {
    this.#parts.logger.log('warn', message, { identity: identityKey(identity), reason: describeError(error) })
  }
}

function withPending({ twin, pending }: KeptTwin): Twin {
  if (twin === undefined || pending === undefined) return twin!
  const properties = applyMergePatch(twin.reported.properties, pending)
  return { desired: twin.desired, reported: { properties, version: twin.reported.version } }
}

function unavailable(identity: Identity): EdgewrightError {
  return new EdgewrightError('TWIN_UNAVAILABLE', 'This twin was never seen and the cloud cannot be reached', {
    place: identityKey(identity),
    remedy: 'Read it once while the gateway is online.',
  })
}
