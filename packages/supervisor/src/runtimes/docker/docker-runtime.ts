import { isIPv4 } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import {
  type Clock,
  describeError,
  type ImageVerifier,
  type JsonObject,
  type Logger,
  type ModuleLogLine,
  type ModuleLogQuery,
  type ModuleObservation,
  type ModuleRuntime,
  type ModuleSpecification,
  type PullProgress,
  Service,
  silentLogger,
  sleep,
  systemClock,
} from '@edgewright/core'
import type Dockerode from 'dockerode'
import type { ImageShelf } from '../../images/image-cleanup.js'
import type { StoredImage } from '../../images/images-to-remove.js'
import type { RegistryCredential } from '../../manifest/deployment.js'
import { moduleExists, moduleNotFound } from '../module-error.js'
import { observationOf } from './container-observation.js'
import { type ContainerPreparation, containerOptions } from './container-options.js'
import { engineError, engineUnavailable, notAvailable, statusOf } from './engine-error.js'
import { engineEvents } from './engine-events.js'
import { commonLabels } from './labels.js'
import { moduleLog } from './module-log.js'
import { pinnedImage } from './pinned-image.js'
import { assertPermitted, type PrivilegePolicy } from './privilege-policy.js'
import { imageId, pullImage } from './pull-image.js'
import { removeImage, storedImages } from './stored-images.js'
import { Turnstile } from './turnstile.js'

/** What a {@link DockerRuntime} works with. */
export interface DockerComponents {
  readonly clock?: Clock
  readonly logger?: Logger
  /** What the gateway adds to a module's container; asked just before it is made. @default nothing */
  readonly prepare?: (specification: ModuleSpecification, signal?: AbortSignal) => Promise<ContainerPreparation>
  /** How registries let us in; asked for each image. @default none */
  readonly credentials?: () => readonly RegistryCredential[]
  /** Asked before an image is fetched, and before anything is made of it. @default every image will do */
  readonly verifier?: ImageVerifier
}

/** Which engine is used, and how. */
export interface DockerOptions {
  /** @default DOCKER_HOST of the environment, or /var/run/docker.sock */
  readonly socketPath?: string
  /** A bridge network for modules that choose none; made when missing. @default the engine's default network */
  readonly network?: string
  /**
   * Keeps the modules of several gateways on one engine apart: only containers that were made with this scope are seen.
   *
   * @default every container that this runtime, or IoT Edge, ever made
   */
  readonly scope?: string
  /** What modules may have of the machine. @default everything that createOptions ask for */
  readonly privileges?: PrivilegePolicy
  /** Images fetched at the same time. @default 3 */
  readonly maxPulls?: number
}

/** How an engine is used when nothing else is said. */
export const DOCKER_DEFAULTS = Object.freeze({ maxPulls: 3 as number }) satisfies DockerOptions

/** Milliseconds between attempts to hear the engine's events again. */
const RESYNC_DELAY = 1_000

/** Milliseconds that a start waits for the engine's first answer. */
const START_PATIENCE = 10_000

/**
 * Runs modules as containers of a Docker Engine (API 1.41 or newer). Modules outlive the runtime.
 *
 * What it sees is kept up to date by the engine's events, so an idle runtime asks the engine nothing. An engine that does
 * not answer is waited for, at the start and later: until then every call ends with `ENGINE_UNAVAILABLE`.
 */
export class DockerRuntime
  extends Service<{ change: [name: string, observation: ModuleObservation | undefined] }>
  implements ModuleRuntime, ImageShelf
{
  readonly type = 'docker'
  readonly #parts: DockerComponents
  readonly #options: DockerOptions & typeof DOCKER_DEFAULTS
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #pulls: Turnstile
  readonly #observed = new Map<string, ModuleObservation>()
  readonly #stoppedByUs = new Set<string>()
  #engine: Dockerode | undefined
  /** Whether everything was seen once: before that, nothing may be concluded from what is not seen. */
  #isSynchronised = false
  #listening = new AbortController()
  #heard: Promise<void> = Promise.resolve()

  constructor(components: DockerComponents = {}, options: DockerOptions = {}) {
    super()
    this.#parts = components
    this.#options = { ...DOCKER_DEFAULTS, ...options }
    this.#clock = components.clock ?? systemClock
    this.#logger = components.logger ?? silentLogger
    this.#pulls = new Turnstile(this.#options.maxPulls)
  }

  /** Whether the engine has told what it has. */
  get isSynchronised(): boolean {
    return this.#isSynchronised
  }

  async list(): Promise<readonly ModuleObservation[]> {
    this.assertRunning()
    return [...this.#observed.values()]
  }

  watch(listener: (name: string, observation: ModuleObservation | undefined) => void, signal: AbortSignal): void {
    if (signal.aborted) return
    this.on('change', listener)
    signal.addEventListener('abort', () => this.off('change', listener), { once: true })
  }

  async pull(
    specification: ModuleSpecification,
    signal?: AbortSignal,
    onProgress?: (progress: PullProgress) => void,
  ): Promise<void> {
    const engine = this.#running()
    this.#assertPermitted(specification)
    const credentials = this.#parts.credentials?.() ?? []
    const image = await pinnedImage(specification, this.#parts.verifier, signal)
    await this.#pulls.through(() => pullImage(engine, image, credentials, signal, onProgress), signal)
  }

  async create(specification: ModuleSpecification, signal?: AbortSignal): Promise<void> {
    const engine = this.#running()
    const { name } = specification
    const existing = this.#observed.get(name)
    if (existing !== undefined) {
      if (isDeepStrictEqual(existing.specification, specification)) return
      throw moduleExists(name)
    }
    this.#assertPermitted(specification)
    const image = await pinnedImage(specification, this.#parts.verifier, signal)
    await this.#removeDead(name)
    const preparation = await this.#parts.prepare?.(specification, signal)
    const body = containerOptions(specification, preparation, this.#options, image)
    try {
      // Body and query are given apart, so that nothing of the client's own slips into the body.
      await engine.createContainer({ _query: { name }, _body: body, abortSignal: signal } as object)
    } catch (error) {
      if (statusOf(error) === 404) throw notAvailable(image, 'it is not on this machine')
      if (statusOf(error) === 409) throw moduleExists(name)
      throw engineError(error, name)
    }
    await this.#look(name)
  }

  async startModule(name: string, signal?: AbortSignal): Promise<void> {
    const container = this.#ours(name)
    if (container === undefined) throw moduleNotFound(name)
    this.#stoppedByUs.delete(name)
    await this.#change(name, container.start({ ...(signal && { abortSignal: signal }) }))
  }

  async stopModule(name: string, grace: number): Promise<void> {
    const container = this.#ours(name)
    if (container === undefined) return
    this.#stoppedByUs.add(name)
    await this.#change(name, container.stop({ t: Math.ceil(grace / 1_000) }))
  }

  async remove(name: string): Promise<void> {
    const container = this.#ours(name)
    if (container === undefined) return
    await this.#remove(name, container)
  }

  async *logs(name: string, query: ModuleLogQuery = {}, signal?: AbortSignal): AsyncGenerator<ModuleLogLine, void> {
    const engine = this.#running()
    if (!this.#observed.has(name)) throw moduleNotFound(name)
    yield* moduleLog({ engine, name, query, watch: this.watch.bind(this), ...(signal && { signal }) })
  }

  /**
   * Where containers of the network reach the host: the address that the host has on it. `host-gateway` without a
   * network of its own, which the engine translates.
   *
   * @throws `ENGINE_UNAVAILABLE`
   */
  async hostAddress(): Promise<string> {
    const { network } = this.#options
    if (network === undefined) return 'host-gateway'
    const { IPAM } = await this.#running()
      .getNetwork(network)
      .inspect()
      .catch(error => {
        throw engineError(error, network)
      })
    const addresses = (IPAM?.Config ?? []).flatMap(({ Gateway }: { Gateway?: string }) => Gateway ?? [])
    return addresses.find((address: string) => isIPv4(address)) ?? 'host-gateway'
  }

  async images(signal?: AbortSignal): Promise<readonly StoredImage[]> {
    return await storedImages(this.#running(), signal)
  }

  imagesOfModules(): Iterable<string> {
    return Array.from(this.#observed.values()).flatMap(({ imageDigest }) => imageDigest ?? [])
  }

  async imageOf(reference: string): Promise<string | undefined> {
    return await imageId(this.#running(), reference)
  }

  /** Never one that a container is made from, also when it was made a moment ago. */
  async removeImage(id: string, signal?: AbortSignal): Promise<void> {
    await removeImage(this.#running(), id, signal)
  }

  protected async onStart(): Promise<void> {
    const { default: Docker } = await import('dockerode')
    const { socketPath } = this.#options
    const engine = new Docker(socketPath === undefined ? {} : { socketPath })
    this.#engine = engine
    this.#listening = new AbortController()
    await new Promise<void>(resolve => {
      const timer = this.#clock.after(START_PATIENCE, resolve)
      this.#heard = this.#listen(engine, this.#listening.signal, () => {
        timer.cancel()
        resolve()
      })
    })
  }

  protected async onStop(): Promise<void> {
    this.#listening.abort()
    await this.#heard
    this.#observed.clear()
    this.#engine = undefined
    this.#isSynchronised = false
  }

  /**
   * Hears the engine's events, and looks at everything each time it begins to: nothing is missed in between.
   *
   * @param onAnswer - called when the first attempt has succeeded or failed
   */
  async #listen(engine: Dockerode, signal: AbortSignal, onAnswer: () => void): Promise<void> {
    let wasHeard = true
    while (!signal.aborted) {
      try {
        const events = await engineEvents(engine, this.#labels(), signal)
        if (!this.#isSynchronised && this.#options.network !== undefined)
          await makeNetwork(engine, this.#options.network)
        await this.#lookAtAll(engine, signal)
        this.#isSynchronised = true
        if (!wasHeard) this.#logger.log('info', 'The container engine answers again')
        wasHeard = true
        onAnswer()
        for await (const name of events) await this.#look(name)
      } catch (error) {
        if (signal.aborted) break
        const reason = describeError(engineError(error, this.#options.socketPath ?? 'the engine'))
        if (wasHeard) this.#logger.log('warn', 'The container engine does not answer: it is waited for', { reason })
        wasHeard = false
      }
      onAnswer()
      await sleep(this.#clock, RESYNC_DELAY, signal).catch(() => undefined)
    }
    onAnswer()
  }

  async #lookAtAll(engine: Dockerode, signal: AbortSignal): Promise<void> {
    const filters = { label: [...this.#labels()] }
    const containers = await engine.listContainers({ all: true, filters, abortSignal: signal })
    const names = containers.map(({ Names: [first] }) => (first ?? '').replace(/^\//, ''))
    for (const name of this.#observed.keys()) if (!names.includes(name)) this.#see(name, undefined)
    await Promise.all(names.map(name => this.#look(name)))
  }

  async #look(name: string): Promise<void> {
    const engine = this.#engine
    if (engine === undefined) return
    try {
      const container = await engine.getContainer(name).inspect()
      this.#see(name, this.#isOurs(container) ? observationOf(container, this.#stoppedByUs.has(name)) : undefined)
    } catch (error) {
      if (statusOf(error) !== 404) throw engineError(error, name)
      this.#see(name, undefined)
    }
  }

  #see(name: string, observation: ModuleObservation | undefined): void {
    if (isDeepStrictEqual(this.#observed.get(name), observation)) return
    if (observation === undefined) this.#observed.delete(name)
    else this.#observed.set(name, observation)
    this.emit('change', name, observation)
  }

  #assertPermitted({ name, settings }: ModuleSpecification): void {
    const { privileges } = this.#options
    if (privileges !== undefined) assertPermitted(name, (settings.createOptions ?? {}) as JsonObject, privileges)
  }

  /** The container of a module, if there is one and it is ours: others are never touched. */
  #ours(name: string): Dockerode.Container | undefined {
    const engine = this.#running()
    return this.#observed.has(name) ? engine.getContainer(name) : undefined
  }

  /** Waits for a change of a container; "not modified" is as good as done. */
  async #change(name: string, change: Promise<unknown>): Promise<void> {
    await change.catch(error => {
      if (statusOf(error) === 404) throw moduleNotFound(name)
      if (statusOf(error) !== 304) throw engineError(error, name)
    })
    await this.#look(name)
  }

  async #remove(name: string, container: Dockerode.Container): Promise<void> {
    await container.remove({ force: true }).catch(error => {
      // 409: it is being removed already.
      if (statusOf(error) !== 404 && statusOf(error) !== 409) throw engineError(error, name)
    })
    this.#stoppedByUs.delete(name)
    await this.#look(name)
  }

  /** Removes what is left of a container of ours that the engine gave up, which nothing else can be done with. */
  async #removeDead(name: string): Promise<void> {
    const container = this.#running().getContainer(name)
    const found = await container.inspect().catch(() => undefined)
    if (found?.State.Dead && this.#isOurs(found)) await this.#remove(name, container)
  }

  #labels(): readonly string[] {
    return Object.entries(commonLabels(this.#options.scope)).map(([name, value]) => `${name}=${value}`)
  }

  #isOurs({ Config: { Labels: labels } }: Dockerode.ContainerInspectInfo): boolean {
    return Object.entries(commonLabels(this.#options.scope)).every(([name, value]) => labels[name] === value)
  }

  /** @throws `ENGINE_UNAVAILABLE` while it is not known what the engine has, `NOT_RUNNING` */
  #running(): Dockerode {
    if (this.#engine === undefined) this.assertRunning()
    if (!this.#isSynchronised) throw engineUnavailable(undefined)
    return this.#engine!
  }
}

async function makeNetwork(engine: Dockerode, name: string): Promise<void> {
  try {
    await engine.createNetwork({ Name: name, Driver: 'bridge', CheckDuplicate: true })
  } catch (error) {
    if (statusOf(error) !== 409) throw engineError(error, name)
  }
}
