import {
  applyMergePatch,
  type Clock,
  describeError,
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
import { Again } from '../again.js'
import {
  afterAcceptance,
  afterRead,
  afterRefusal,
  afterReport,
  clientView,
  desiredChange,
  type KeptTwin,
} from './kept-twin.js'
import { validateTwinPatch, validateTwinSize } from './twin-limits.js'

/** What {@link TwinKeeper} works with. */
export interface TwinComponents {
  readonly store: Store
  readonly sealer: Sealer
  readonly upstream: Upstream
  readonly clock: Clock
  readonly logger: Logger
  /** Tells a client what changed. @returns whether there is a client that wants to know */
  readonly deliver: (identity: Identity, change: TwinPatch) => boolean
}

/** Twins whose pending patches are sent at the same time. */
const FLUSHED_AT_ONCE = 32

/**
 * Twins, also without a link: a copy of what the cloud holds, and what clients reported meanwhile.
 * Operations on one twin happen one after the other.
 */
export class TwinKeeper {
  readonly #parts: TwinComponents
  readonly #table: SealedTable<KeptTwin>
  readonly #turns = new Map<IdentityKey, Promise<unknown>>()
  readonly #reports: Again
  readonly #catchUps: Again

  constructor(parts: TwinComponents) {
    this.#parts = parts
    this.#table = new SealedTable('twins', parts)
    this.#reports = new Again(parts.clock)
    this.#catchUps = new Again(parts.clock)
  }

  /**
   * The twin, from the cloud when it can be reached, else as last seen; what was reported offline is in it.
   *
   * @throws `TWIN_UNAVAILABLE` when it was never seen
   */
  get(identity: Identity, signal?: AbortSignal): Promise<Twin> {
    return this.#inTurn(identity, async () => {
      const kept = await this.#read(identity)
      const fresh = (await this.#fetch(identity, kept, signal)) ?? kept
      const { twin } = fresh
      if (twin === undefined) throw unavailable(identity)
      await this.#keep(identity, kept, afterRead(fresh))
      return clientView({ ...fresh, twin })
    })
  }

  /** The twin from the cloud. @throws as `CloudSession`, when it cannot be read */
  fresh(identity: Identity): Promise<Twin> {
    return this.#inTurn(identity, async () => {
      const kept = await this.#read(identity)
      const twin = await this.#parts.upstream.session(identity).getTwin()
      await this.#keep(identity, kept, { ...kept, twin })
      return clientView({ ...kept, twin })
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
      const before = await this.#read(identity)
      const kept = afterReport(before, patch)
      validateTwinSize(applyMergePatch(kept.twin?.reported.properties ?? {}, kept.pending))
      await this.#keep(identity, before, kept)
      try {
        return await this.#push(identity, kept, signal)
      } catch (error) {
        // Only this patch was refused to the client's face. What it was promised before is tried by itself.
        await this.#keep(identity, kept, before)
        if (before.pending !== undefined) this.#flushLater(identity)
        throw error
      }
    })
  }

  /** Takes a change of desired properties from the cloud, and tells the client: that, or all that it has missed. */
  desired(identity: Identity, patch: TwinPatch): Promise<void> {
    return this.#inTurn(identity, async () => {
      const kept = await this.#read(identity)
      const { twin } = kept
      if (twin === undefined || patch.version !== twin.desired.version + 1) return this.#catchUp(identity, kept, patch)
      const desired = { properties: applyMergePatch(twin.desired.properties, patch.patch), version: patch.version }
      await this.#tell(identity, kept, { ...kept, twin: { ...twin, desired } }, kept.told ? undefined : patch)
    })
  }

  /** Tells the client what changed in the desired properties since it last saw them. */
  catchUp(identity: Identity): Promise<void> {
    return this.#inTurn(identity, async () => this.#catchUp(identity, await this.#read(identity)))
  }

  /** Sends what was reported offline. What fails is logged, and stays for next time. */
  async flush(): Promise<void> {
    const waiting: Identity[] = []
    for await (const [key, { pending }] of this.#table.entries()) {
      if (pending !== undefined) waiting.push(identityFromKey(key))
    }
    const worker = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await this.#flushOne(next)
    }
    await Promise.all(Array.from({ length: FLUSHED_AT_ONCE }, worker))
  }

  /** Tries nothing again by itself any more. */
  stop(): void {
    this.#reports.stop()
    this.#catchUps.stop()
  }

  get #isOffline(): boolean {
    return this.#parts.upstream.connectivity.type === 'offline'
  }

  /** What is kept, with the twin as it stands in the cloud; undefined when that cannot be read. */
  async #fetch(identity: Identity, kept: KeptTwin, signal?: AbortSignal): Promise<KeptTwin | undefined> {
    if (this.#isOffline) return undefined
    try {
      return { ...kept, twin: await this.#parts.upstream.session(identity).getTwin(signal) }
    } catch (error) {
      this.#log('a twin could not be read from the cloud', identity, error)
      return undefined
    }
  }

  /** @param patch - what the cloud has just told, for a client whose twin was never seen */
  async #catchUp(identity: Identity, kept: KeptTwin, patch?: TwinPatch): Promise<void> {
    const news = kept.twin === undefined ? patch : undefined
    const fresh = await this.#fetch(identity, kept)
    if (fresh !== undefined) {
      this.#catchUps.succeeded(identityKey(identity))
      return this.#tell(identity, kept, fresh, news)
    }
    if (news !== undefined) this.#parts.deliver(identity, news)
    // Offline there is nothing to try; listening begins anew when the link is back.
    if (!this.#isOffline) this.#catchUps.failed(identityKey(identity), () => this.#inBackground(this.catchUp(identity)))
  }

  /** Handed over before it is kept: after a crash in between the client hears it twice rather than never. */
  async #tell(identity: Identity, kept: KeptTwin, next: KeptTwin, patch?: TwinPatch): Promise<void> {
    const seen = kept.told ?? kept.twin?.desired
    const change = patch ?? desiredChange(seen, next.twin!.desired)
    const isTold = change === undefined || this.#parts.deliver(identity, change)
    await this.#keep(identity, kept, { ...next, told: isTold ? undefined : seen })
  }

  /** Sends the pending patch, when there is a link. Only a refusal throws. */
  async #push(identity: Identity, kept: KeptTwin, signal?: AbortSignal): Promise<number | undefined> {
    if (kept.pending === undefined || this.#isOffline) return undefined
    try {
      const version = await this.#parts.upstream.session(identity).report(kept.pending, signal)
      await this.#keep(identity, kept, afterAcceptance(kept, version))
      this.#reports.succeeded(identityKey(identity))
      return version
    } catch (error) {
      this.#log('reported properties did not reach the cloud', identity, error)
      if (EdgewrightError.is(error, 'UPSTREAM_REFUSED')) throw error
      if (!this.#isOffline) this.#flushLater(identity)
      return undefined
    }
  }

  /** Sends what was promised to a client; a refusal is kept for its next read. */
  #flushOne(identity: Identity): Promise<void> {
    return this.#inTurn(identity, async () => {
      const kept = await this.#read(identity)
      try {
        await this.#push(identity, kept)
      } catch (error) {
        await this.#keep(identity, kept, afterRefusal(kept, (error as Error).message))
      }
    })
  }

  #flushLater(identity: Identity): void {
    this.#reports.failed(identityKey(identity), () => this.#inBackground(this.#flushOne(identity)))
  }

  #inBackground(task: Promise<void>): void {
    task.catch(error => this.#parts.logger.log('error', 'a twin could not be kept', { reason: describeError(error) }))
  }

  async #read(identity: Identity): Promise<KeptTwin> {
    return (await this.#table.get(identityKey(identity))) ?? {}
  }

  /** Reading a twin that has not changed costs no write. */
  async #keep(identity: Identity, before: KeptTwin, after: KeptTwin): Promise<void> {
    if (JSON.stringify(before) !== JSON.stringify(after)) await this.#table.put(identityKey(identity), after)
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

function unavailable(identity: Identity): EdgewrightError {
  return new EdgewrightError('TWIN_UNAVAILABLE', 'This twin was never seen and the cloud cannot be reached', {
    place: identityKey(identity),
    remedy: 'Read it once while the gateway is online.',
  })
}
