import { type Clock, describeError, type Logger, Service, settleInOrder, type Timer } from '@edgewright/core'
import type { ModuleIdentities, WorkloadApi, WorkloadIdentity } from '@edgewright/security'

/** What a {@link ModuleIdentitySteward} works with. */
export interface StewardComponents {
  readonly identities: ModuleIdentities
  readonly workload: Pick<WorkloadApi, 'open' | 'remove'>
  /** The modules that are to have an identity; undefined while nobody knows. */
  readonly wanted: () => ReadonlySet<string> | undefined
  /** The modules that are there, wanted or not. */
  readonly present: () => ReadonlySet<string>
  /** Those of them that run outside this program, and so have an entrance to the workload API. */
  readonly outside: () => Iterable<string>
  /** A module has another identity than before, or none any more. */
  readonly onChange: (moduleId: string, change: 'made' | 'replaced' | 'removed') => Promise<void>
  readonly clock: Clock
  readonly logger: Logger
}

/** Milliseconds until the cloud is asked again about what it gave no answer to. */
const RETRY_INTERVAL = 60_000

/**
 * Keeps the identities of the modules in step with the deployment: made before a module is, looked at anew with each
 * deployment, removed when the module is neither wanted nor there any more. What cannot be done now, for want of a link,
 * is done later.
 */
export class ModuleIdentitySteward extends Service {
  readonly #parts: StewardComponents
  /** Modules whose identity the cloud has confirmed since the last deployment. */
  readonly #confirmed = new Set<string>()
  readonly #retiring = new Map<string, Promise<void>>()
  #ending = new AbortController()
  #round: Promise<void> | undefined
  #isStale = false
  #retry: Timer | undefined

  constructor(components: StewardComponents) {
    super()
    this.#parts = components
  }

  /**
   * The identity of a module that is to be made; one that is known is given at once.
   *
   * @throws `REGISTRY_UNAVAILABLE`, `REGISTRY_REFUSED`
   */
  async identify(moduleId: string, signal?: AbortSignal): Promise<WorkloadIdentity> {
    await this.#retiring.get(moduleId)
    const known = this.#parts.identities.find(moduleId)
    if (known !== undefined) return known
    const [outcome] = await this.#provide([moduleId], signal)
    if (outcome?.identity === undefined) throw outcome?.error
    return outcome.identity
  }

  /** Modules came or went: looks at what is to be done. */
  settle(): void {
    if (this.#ending.signal.aborted) return
    this.#isStale = true
    this.#round ??= this.#settle().finally(() => {
      this.#round = undefined
    })
  }

  /** What the cloud has may be another than before: asks about everything anew. */
  renew(): void {
    this.#confirmed.clear()
    this.settle()
  }

  protected async onStart(): Promise<void> {
    this.#ending = new AbortController()
    this.renew()
  }

  protected async onStop(): Promise<void> {
    this.#ending.abort(new Error('the gateway is stopping'))
    this.#retry?.cancel()
    await this.#round
  }

  async #settle(): Promise<void> {
    const { signal } = this.#ending
    while (this.#isStale && !signal.aborted) {
      this.#isStale = false
      try {
        await settleInOrder([
          () => this.#openEntrances(),
          () => this.#provideMissing(signal),
          () => this.#retire(signal),
        ])
      } catch (error) {
        if (signal.aborted) return
        const { clock, logger } = this.#parts
        logger.log('warn', 'The identities of modules are not settled yet', { reason: describeError(error) })
        this.#retry?.cancel()
        this.#retry = clock.after(RETRY_INTERVAL, () => this.settle())
      }
    }
  }

  /** A module that runs on from before finds its entrance again. */
  async #openEntrances(): Promise<void> {
    const { outside, identities, workload } = this.#parts
    const known = [...outside()].filter(moduleId => identities.find(moduleId) !== undefined)
    await settleInOrder(known.map(moduleId => async () => void (await workload.open(moduleId))))
  }

  async #provideMissing(signal: AbortSignal): Promise<void> {
    const missing = [...(this.#parts.wanted() ?? [])].filter(moduleId => !this.#confirmed.has(moduleId))
    const outcomes = await this.#provide(missing, signal)
    const failed = outcomes.find(({ error }) => error !== undefined)
    if (failed !== undefined) throw failed.error
  }

  async #provide(moduleIds: readonly string[], signal?: AbortSignal) {
    const { identities, onChange } = this.#parts
    const before = new Map(moduleIds.map(moduleId => [moduleId, identities.find(moduleId)?.generationId]))
    const outcomes = await identities.provide(moduleIds, signal)
    for (const { moduleId, identity, error } of outcomes) {
      if (error !== undefined || identity === undefined) continue
      this.#confirmed.add(moduleId)
      const generationId = before.get(moduleId)
      if (generationId !== identity.generationId) {
        await onChange(moduleId, generationId === undefined ? 'made' : 'replaced')
      }
    }
    return outcomes
  }

  async #retire(signal: AbortSignal): Promise<void> {
    const wanted = this.#parts.wanted()
    if (wanted === undefined) return
    const present = this.#parts.present()
    const gone = this.#parts.identities.moduleIds.filter(id => !isOwn(id) && !wanted.has(id) && !present.has(id))
    await settleInOrder(gone.map(moduleId => () => this.#retireUnlessWanted(moduleId, signal)))
  }

  /** From the look whether it is wanted until it is gone, a module of that name that is to be made waits. */
  async #retireUnlessWanted(moduleId: string, signal: AbortSignal): Promise<void> {
    const { wanted, present, identities, workload, onChange } = this.#parts
    if (signal.aborted || wanted()?.has(moduleId) || present().has(moduleId)) return
    this.#confirmed.delete(moduleId)
    const retired = (async () => {
      const [outcome] = await identities.retire([moduleId], signal)
      if (outcome?.error !== undefined) throw outcome.error
      await workload.remove(moduleId)
      await onChange(moduleId, 'removed')
    })()
    const over = retired.catch(() => undefined).finally(() => this.#retiring.delete(moduleId))
    this.#retiring.set(moduleId, over)
    await retired
  }
}

/** What this gateway itself is in the cloud is not of a deployment. */
function isOwn(moduleId: string): boolean {
  return moduleId.startsWith('$')
}
