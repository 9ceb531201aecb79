import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import {
  type CertificateIssuer,
  EdgewrightError,
  type JsonObject,
  type ModuleObservation,
  Service,
  settleInOrder,
  type Startable,
  type Store,
} from '@edgewright/core'
import type { Hub, StoredIdentityDirectory } from '@edgewright/hub'
import { moduleEnvironment, type ModuleIdentities, WorkloadApi } from '@edgewright/security'
import {
  AgentMethods,
  AzureBlobUpload,
  type BlobUpload,
  EdgeAgent,
  type EdgeAgentOptions,
  type SupervisedModule,
  Supervisor,
  type SupervisorOptions,
} from '@edgewright/supervisor'
import type { Cloud, GatewayContext, RuntimePart, RuntimeWithModules } from '../context.js'
import type { Admission, AdmitModule } from './admission.js'
import { ModuleIdentitySteward } from './module-identity-steward.js'

/** What the modules of a gateway stand on. */
export interface GatewayModulesComponents {
  readonly context: GatewayContext
  readonly cloud: Cloud
  readonly hub: Hub
  readonly store: Store
  readonly directory: StoredIdentityDirectory
  readonly authority: CertificateIssuer
}

/** How a gateway deals with its modules: restarts, reports, and where the workload API has its sockets. */
export interface ModulesOptions extends Omit<EdgeAgentOptions, 'localModules'>, Omit<SupervisorOptions, 'modules'> {
  /** Takes logs and support bundles that the agent's methods upload. @default Azure Storage */
  readonly upload?: BlobUpload | undefined
  /** Folder of the modules' sockets; a socket's path may have 103 bytes. @default `workload` in the data folder */
  readonly socketFolder?: string | undefined
  /** Names that no module gets a server certificate for. @default those by which modules dial this gateway */
  readonly reservedNames?: readonly string[] | undefined
}

/**
 * Everything that modules need of a gateway: runtimes that run them, the agent that takes deployments and reports, their
 * identities in the cloud, and the workload API.
 */
export class GatewayModules extends Service {
  readonly #parts: GatewayModulesComponents
  readonly #options: ModulesOptions
  readonly #runtimes: readonly RuntimeWithModules[]
  readonly #supervisor: Supervisor
  readonly #methods: AgentMethods
  readonly #agent: EdgeAgent
  readonly #workload: WorkloadApi
  readonly #started: Startable[] = []
  readonly #steward: ModuleIdentitySteward | undefined

  constructor(components: GatewayModulesComponents, runtimes: readonly RuntimePart[], options: ModulesOptions = {}) {
    super()
    this.#parts = components
    this.#options = options
    const { context, cloud, hub, store, authority } = components
    const { clock, logger, meter, keys, dataDir, hostname } = context
    const { deviceId, hostName: hubHostName } = cloud
    const deployment = () => this.#agent.deployment
    const agentSettings = () => this.#agent.settings
    const admit: AdmitModule = (...call) => this.#admit(...call)
    this.#runtimes = runtimes.map(make =>
      make({ ...context, deviceId, hubHostName, hub, store, deployment, agentSettings, admit }),
    )
    this.#supervisor = new Supervisor(
      { clock, logger, runtimes: this.#runtimes.map(({ runtime }) => runtime) },
      options,
    )
    const upload = options.upload ?? new AzureBlobUpload({ clock })
    const supervisor = this.#supervisor
    this.#methods = new AgentMethods({ supervisor, hub: hubHostName, deviceId, upload, clock, logger })
    const localModules = this.#runtimes.flatMap(({ modules }): SupervisedModule[] =>
      modules.map(specification => ({ specification })),
    )
    this.#agent = new EdgeAgent(
      {
        ...{ deviceId, store, clock, logger },
        supervisor: this.#supervisor,
        upstream: cloud.upstream,
        sealer: context.sealer('agent'),
        methods: this.#methods.handle,
      },
      { version: OWN_VERSION, ...options, localModules },
    )
    const observed = async () => this.#observed()
    this.#workload = new WorkloadApi(
      {
        ...{ signer: keys, issuer: authority, clock, logger, meter },
        modules: { find: moduleId => cloud.modules?.find(moduleId), list: observed },
        sealer: context.sealer('workload'),
        device: { hubHostName, deviceId },
      },
      {
        folder: resolve(options.socketFolder ?? join(dataDir, 'workload')),
        reservedNames: options.reservedNames ?? [hostname, ...this.names],
        additionalTrust: cloud.trustBundle,
      },
    )
    this.#steward = cloud.modules && this.#makeSteward(cloud.modules)
  }

  get agent(): EdgeAgent {
    return this.#agent
  }

  get supervisor(): Supervisor {
    return this.#supervisor
  }

  /** Names by which modules dial this gateway besides its own: its certificate is to have them. */
  get names(): readonly string[] {
    return this.#runtimes.flatMap(({ names = [] }) => names)
  }

  protected async onStart(): Promise<void> {
    await this.#start(this.#workload)
    await this.#start(this.#agent)
    if (this.#steward !== undefined) await this.#start(this.#steward)
    for (const part of this.#runtimes.flatMap(({ parts = [] }) => parts)) await this.#start(part)
    this.#follow('on')
  }

  protected async onStop(): Promise<void> {
    this.#follow('off')
    const parts = this.#started.splice(0).reverse()
    await settleInOrder([() => this.#methods.stop(), ...parts.map(part => () => part.stop())])
  }

  readonly #settle = () => this.#steward?.settle()
  readonly #renew = () => this.#steward?.renew()
  readonly #online = ({ type }: { readonly type: string }) => type === 'online' && this.#steward?.settle()

  #follow(call: 'on' | 'off'): void {
    this.#agent[call]('deployment', this.#renew)
    this.#supervisor[call]('status', this.#settle)
    this.#supervisor[call]('gone', this.#settle)
    this.#parts.cloud.upstream[call]('connectivity', this.#online)
  }

  #makeSteward(identities: ModuleIdentities): ModuleIdentitySteward {
    const { clock, logger } = this.#parts.context
    const isKnown = () => this.#agent.deployment !== undefined || this.#options.followsCloud === false
    return new ModuleIdentitySteward({
      ...{ identities, workload: this.#workload, clock, logger },
      wanted: () => (isKnown() ? this.#supervisor.wanted : undefined),
      present: () => new Set(this.#observed().map(({ name }) => name)),
      outside: () => this.#observed().flatMap(({ name, specification }) => (isOutside(specification) ? name : [])),
      onChange: (moduleId, change) => this.#onIdentity(moduleId, change),
    })
  }

  /** The hub must know of it, and a module that still has the one of before is made anew. */
  async #onIdentity(moduleId: string, change: 'made' | 'replaced' | 'removed'): Promise<void> {
    const { cloud, context, directory } = this.#parts
    await directory.renew({ deviceId: cloud.deviceId, moduleId })
    const module = this.#observed().find(({ name }) => name === moduleId)
    if (change !== 'replaced' || module === undefined || !isOutside(module.specification)) return
    this.#supervisor.recreate(moduleId, 'its identity in the cloud was made anew').catch(error => {
      context.logger.log('warn', 'A module could not be made anew', { module: moduleId, error })
    })
  }

  async #admit(...[specification, options, signal]: Parameters<AdmitModule>): Promise<Admission> {
    const { name: moduleId, environment: given } = specification
    const { deviceId, hostName: hubHostName } = this.#parts.cloud
    if (this.#steward === undefined) throw identityMissing(moduleId)
    const { generationId } = await this.#steward.identify(moduleId, signal)
    const workload = await this.#workload.open(moduleId)
    const { logLevel, upstreamProtocol } = this.#agent.settings
    const environment = moduleEnvironment({
      ...{ moduleId, generationId, deviceId, hubHostName, given, logLevel, upstreamProtocol },
      workloadUri: workload.uri,
      ...options,
    })
    return { environment, workload }
  }

  #observed(): readonly ModuleObservation[] {
    return this.#supervisor.status().flatMap(({ observation }) => observation ?? [])
  }

  async #start(part: Startable): Promise<void> {
    this.#started.push(part)
    await part.start()
  }
}

const OWN_VERSION = String((createRequire(import.meta.url)('../../package.json') as JsonObject).version)

/** Functions of this program have sessions that were opened for them, and need no entrance. */
function isOutside({ type }: { readonly type: string }): boolean {
  return type !== 'in-process'
}

function identityMissing(moduleId: string): EdgewrightError {
  return new EdgewrightError('MODULE_IDENTITY_MISSING', 'The module has no identity, and none can be made', {
    place: moduleId,
    remedy: 'Use a cloud that keeps identities of modules: a CloudPart that gives `modules`.',
  })
}
