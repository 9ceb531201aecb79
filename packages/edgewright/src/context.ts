import type { FreeTopics } from '@edgewright/broker'
import type {
  Clock,
  Identity,
  IdentityRecord,
  IdentitySource,
  Logger,
  MethodInvoker,
  ModuleRuntime,
  ModuleSpecification,
  ReadableMeter,
  Sealer,
  SessionHost,
  Startable,
  Store,
  Upstream,
} from '@edgewright/core'
import type { KeyRing, ModuleIdentities, RenewingCertificate } from '@edgewright/security'
import type { AgentSettings, Deployment } from '@edgewright/supervisor'
import type { AdmitModule } from './modules/admission.js'

/** What every part of a gateway is made with. */
export interface GatewayContext {
  /** Name of this gateway, as clients dial it. */
  readonly hostname: string
  /** Where keys, certificates and (by default) the store are kept. */
  readonly dataDir: string
  readonly clock: Clock
  readonly logger: Logger
  readonly meter: ReadableMeter
  /** Keys of this device and its hub. */
  readonly keys: KeyRing
  /** What is known about an identity; undefined before the directory has started. */
  readonly findIdentity: (identity: Identity) => IdentityRecord | undefined
  /** Seals what is kept outside the store; each purpose has a key of its own. */
  readonly sealer: (purpose: string) => Sealer
  /** Aborted when the gateway is to stop, also while it starts. */
  readonly signal: AbortSignal
  /** Stops everything and starts it anew, with what the store holds. */
  readonly restart: (reason: string) => void
}

/** Makes the store. */
export type StorePart = (context: GatewayContext) => Store

/** A cloud: the link to it, and its registry as far as this gateway may see it. */
export interface Cloud {
  /** The device this gateway is, in that cloud. */
  readonly deviceId: string
  /** The cloud hub's name, as clients' tokens name it. */
  readonly hostName: string
  readonly upstream: Upstream
  readonly identities: IdentitySource
  /** The cloud identities of this device's modules; absent where a cloud knows none. */
  readonly modules?: ModuleIdentities | undefined
  /** PEM of authorities that the cloud says to trust besides this gateway's own. */
  readonly trustBundle?: string | undefined
  /** PEM that this device proves itself with in that cloud, when it does so by certificate. */
  readonly deviceCertificate?: string | undefined
  /** Asks where this device belongs now. @returns whether that is another place; the gateway starts anew then */
  readonly reprovision?: ((signal?: AbortSignal) => Promise<boolean>) | undefined
}

/** Makes the link to the cloud. */
export type CloudPart = (context: GatewayContext) => Cloud | Promise<Cloud>

/** What free topics are made with besides. */
export interface FreeTopicsContext extends GatewayContext {
  readonly deviceId: string
  readonly hub: SessionHost
  readonly store: Store
}

/** Makes free topics. */
export type FreeTopicsPart = (context: FreeTopicsContext) => FreeTopics

/** What front-ends are made with besides. */
export interface FrontEndContext extends GatewayContext {
  readonly hub: SessionHost & MethodInvoker
  /** Absent where there are no free topics. */
  readonly topics?: FreeTopics | undefined
  /** The server certificate; listeners show another one when it is renewed. */
  readonly certificate: RenewingCertificate
}

/** One listener. */
export interface FrontEnd extends Startable {
  /** What it speaks: `mqtt`, `amqp`, `https`. */
  readonly protocol: string
  /** Where it listens, once started. */
  address(): { readonly host: string; readonly port: number }
}

/** Makes a front-end. */
export type FrontEndPart = (context: FrontEndContext) => FrontEnd

/** What runtimes are made with besides. */
export interface RuntimeContext extends GatewayContext {
  readonly deviceId: string
  /** The cloud hub's name. */
  readonly hubHostName: string
  readonly hub: SessionHost
  readonly store: Store
  /** The deployment in force; undefined while there is none. Holds secrets. */
  readonly deployment: () => Deployment | undefined
  /** What it says to the agent itself. Holds secrets. */
  readonly agentSettings: () => AgentSettings
  readonly admit: AdmitModule
}

/** A runtime with the modules it is to run. */
export interface RuntimeWithModules {
  readonly runtime: ModuleRuntime
  /** Those that run without a deployment. */
  readonly modules: readonly ModuleSpecification[]
  /** Names by which its modules dial this gateway: its certificate is to have them. @default the gateway's own only */
  readonly names?: readonly string[] | undefined
  /** What runs beside it, once modules are supervised. @default nothing */
  readonly parts?: readonly Startable[] | undefined
}

/** Makes a runtime. */
export type RuntimePart = (context: RuntimeContext) => RuntimeWithModules
