import type { ModuleSpecification } from '@edgewright/core'
import type { RestartPolicy } from '../plan/restart-policy.js'

/** What a deployment wants of this device. Source: IoT Edge, deployment schema 1.0 and 1.1. */
export interface Deployment {
  readonly schemaVersion: string
  readonly runtime: RuntimeSettings
  /** Parts of the runtime itself: this program stands in for them. */
  readonly systemModules: {
    readonly edgeAgent?: DesiredModule
    readonly edgeHub?: DesiredModule
  }
  /** In the order of the document. */
  readonly modules: readonly DesiredModule[]
}

/** Settings of a deployment that belong to no module. */
export interface RuntimeSettings {
  readonly type: string
  readonly minDockerVersion?: string
  readonly loggingOptions?: string
  readonly registryCredentials: readonly RegistryCredential[]
}

/** How to be let in by one registry. Holds a secret: keep it out of logs and reports. */
export interface RegistryCredential {
  /** The name that the deployment gives it; has no meaning. */
  readonly id: string
  readonly address: string
  readonly username: string
  readonly password: string
}

/** One module as a deployment wants it. What its runtime makes it from is the `specification`; the rest is supervision. */
export interface DesiredModule {
  readonly specification: ModuleSpecification
  /** Informational. */
  readonly version: string
  readonly status: 'running' | 'stopped'
  readonly restartPolicy: RestartPolicy
  readonly imagePullPolicy: 'on-create' | 'never'
  /** 0 (first) to {@link LAST_STARTUP_ORDER}. */
  readonly startupOrder: number
}

/** The order of modules that give none. */
export const LAST_STARTUP_ORDER = 4_294_967_295
