import { isJsonObject, type Logger, type Sealer, silentLogger } from '@edgewright/core'
import type { KeyRing } from '../keys/key-ring.js'
import { readPrivateFile, writePrivateFile } from '../private-file.js'
import type { WorkloadIdentity } from '../workload/module-directory.js'
import { type DerivationKey, deriveModuleKeys } from './derived-keys.js'
import { MANAGED_BY_EDGE, type ModuleKeys, type ModuleRegistry, type RegisteredModule } from './module-registry.js'

/** What {@link ModuleIdentities} works with. */
export interface ModuleIdentitiesComponents {
  readonly registry: ModuleRegistry
  /** Takes the modules' keys in. */
  readonly keys: KeyRing
  /** Seals the file: `sealingKey.sealer('modules')`. */
  readonly sealer: Sealer
  readonly logger?: Logger | undefined
}

/** Where identities are remembered, and where keys come from. */
export interface ModuleIdentitiesOptions {
  /** Remembers the identities for starts without a link; made when there is one. */
  readonly file: string
  /** The hub whose registry it is: identities that are remembered of another one count for nothing. @default any */
  readonly hubHostName?: string | undefined
  /** Derives the modules' keys, and tells them to the registry. @default the registry's keys are fetched */
  readonly deriveFrom?: DerivationKey | undefined
}

/** What became of one module's identity. Both: the one of before goes on, as the registry could not be asked. */
export interface IdentityOutcome {
  readonly moduleId: string
  readonly identity?: WorkloadIdentity | undefined
  /** `REGISTRY_UNAVAILABLE`, `REGISTRY_REFUSED`, … */
  readonly error?: unknown
}

/**
 * The cloud identities of the modules that this device runs: made before a module runs, removed after it has gone, and
 * remembered in between. One that fails holds no other up.
 */
export class ModuleIdentities {
  readonly #parts: ModuleIdentitiesComponents
  readonly #options: ModuleIdentitiesOptions
  readonly #logger: Logger
  /** Module id → generation id. */
  readonly #known: Map<string, string>
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(
    parts: ModuleIdentitiesComponents,
    options: ModuleIdentitiesOptions,
    known: ReadonlyMap<string, string>,
  ) {
    this.#parts = parts
    this.#options = options
    this.#logger = parts.logger ?? silentLogger
    this.#known = new Map(known)
  }

  /**
   * Remembers what the file holds; a missing one holds nothing.
   *
   * @throws `SEAL_BROKEN`, `PRIVATE_FILE_EXPOSED`
   */
  static async open(parts: ModuleIdentitiesComponents, options: ModuleIdentitiesOptions): Promise<ModuleIdentities> {
    const sealed = await readPrivateFile(options.file)
    const { hub, modules } = sealed === undefined ? NOTHING_KNOWN : parseKnown(parts.sealer.unseal(sealed))
    if (hub === (options.hubHostName ?? '')) return new ModuleIdentities(parts, options, modules)
    for (const [moduleId, generationId] of modules) await parts.keys.remove(identityOf(moduleId, generationId).keyId)
    return new ModuleIdentities(parts, options, NOTHING_KNOWN.modules)
  }

  /** The modules that have an identity here. */
  get moduleIds(): readonly string[] {
    return [...this.#known.keys()]
  }

  /** The identity of a module; undefined when it has none here. */
  find(moduleId: string): WorkloadIdentity | undefined {
    const generationId = this.#known.get(moduleId)
    return generationId === undefined ? undefined : identityOf(moduleId, generationId)
  }

  /** Sees to it that modules have identities with keys, before they run. */
  provide(moduleIds: readonly string[], signal?: AbortSignal): Promise<readonly IdentityOutcome[]> {
    return this.#forEach(moduleIds, signal, async (moduleId, found) => {
      const module = await this.#withKeys(found ?? (await this.#parts.registry.create(moduleId, signal)), signal)
      await this.#keep(module)
    })
  }

  /**
   * Removes the identities of modules that are gone. Only those of a deployment go in the cloud too: what somebody else
   * manages there stays, and so do the system modules.
   */
  retire(moduleIds: readonly string[], signal?: AbortSignal): Promise<readonly IdentityOutcome[]> {
    return this.#forEach(moduleIds, signal, async (moduleId, found) => {
      if (found !== undefined && isRemovable(found)) await this.#parts.registry.remove(moduleId, signal)
      const identity = this.find(moduleId)
      if (identity === undefined) return
      this.#known.delete(moduleId)
      await this.#save()
      await this.#parts.keys.remove(identity.keyId)
    })
  }

  #forEach(
    moduleIds: readonly string[],
    signal: AbortSignal | undefined,
    step: (moduleId: string, found: RegisteredModule | undefined) => Promise<void>,
  ): Promise<readonly IdentityOutcome[]> {
    const work = async () => {
      if (moduleIds.length === 0) return []
      const registered = this.#parts.registry.list(signal).then(all => new Map(all.map(one => [one.moduleId, one])))
      const outcomes: IdentityOutcome[] = []
      for (const moduleId of moduleIds) {
        const error = await registered.then(all => step(moduleId, all.get(moduleId))).catch(failure => failure)
        signal?.throwIfAborted()
        if (error !== undefined) this.#logger.log('warn', 'Module identity not settled', { module: moduleId, error })
        outcomes.push({ moduleId, identity: this.find(moduleId), error })
      }
      return outcomes
    }
    const done = this.#turn.then(work, work)
    this.#turn = done
    return done
  }

  async #withKeys(module: RegisteredModule, signal: AbortSignal | undefined): Promise<RegisteredModule & HasKeys> {
    const { registry } = this.#parts
    const { deriveFrom } = this.#options
    if (deriveFrom !== undefined) {
      const keys = await deriveModuleKeys(deriveFrom, module, signal)
      if (!hasKeys(module, keys)) await registry.setKeys(module.moduleId, keys, signal)
      return { ...module, authentication: { type: 'symmetricKey', ...keys } }
    }
    const keyed = hasKeys(module) ? module : await registry.setKeys(module.moduleId, NO_KEYS, signal)
    if (!hasKeys(keyed)) throw new TypeError('The registry gives the module no keys')
    return keyed
  }

  async #keep({ moduleId, generationId, authentication }: RegisteredModule & HasKeys): Promise<void> {
    const before = this.find(moduleId)
    const { keyId } = identityOf(moduleId, generationId)
    await this.#parts.keys.put(keyId, Buffer.from(authentication.primaryKey, 'base64'))
    if (before?.generationId === generationId) return
    this.#known.set(moduleId, generationId)
    await this.#save()
    if (before !== undefined) await this.#parts.keys.remove(before.keyId)
  }

  async #save(): Promise<void> {
    const hub = this.#options.hubHostName ?? ''
    const text = JSON.stringify({ version: 1, hub, modules: Object.fromEntries(this.#known) })
    await writePrivateFile(this.#options.file, this.#parts.sealer.seal(Buffer.from(text)))
  }
}

interface HasKeys {
  readonly authentication: { readonly type: 'symmetricKey' } & ModuleKeys
}

/** Lets the registry make keys. */
const NO_KEYS: ModuleKeys = Object.freeze({ primaryKey: '', secondaryKey: '' })

function hasKeys(module: RegisteredModule, keys?: ModuleKeys): module is RegisteredModule & HasKeys {
  const { authentication } = module
  if (authentication.type !== 'symmetricKey' || authentication.primaryKey === '') return false
  return (
    keys === undefined ||
    (authentication.primaryKey === keys.primaryKey && authentication.secondaryKey === keys.secondaryKey)
  )
}

function isRemovable({ moduleId, managedBy = '' }: RegisteredModule): boolean {
  return !moduleId.startsWith('$') && managedBy.toLowerCase() === MANAGED_BY_EDGE.toLowerCase()
}

function identityOf(moduleId: string, generationId: string): WorkloadIdentity {
  return { generationId, keyId: `modules/${moduleId}/${generationId}` }
}

/** What the file says. */
interface Known {
  readonly hub: string
  /** Module id → generation id. */
  readonly modules: ReadonlyMap<string, string>
}

const NOTHING_KNOWN: Known = { hub: '', modules: new Map() }

function parseKnown(text: Uint8Array): Known {
  const { hub = '', modules } = JSON.parse(Buffer.from(text).toString()) as { hub?: unknown; modules: unknown }
  if (!isJsonObject(modules)) throw new TypeError('The seal is intact but holds no modules')
  const entries = Object.entries(modules).map(([moduleId, generationId]) => [moduleId, String(generationId)] as const)
  return { hub: String(hub), modules: new Map(entries) }
}
