import type { ModuleSpecification } from '@edgewright/core'
import type { ModuleEnvironmentOptions, WorkloadAddress } from '@edgewright/security'

/** How a module of one runtime finds its way. */
export interface AdmissionOptions extends Pick<ModuleEnvironmentOptions, 'gatewayHostName' | 'workloadUri'> {}

/** What a module is let in with. */
export interface Admission {
  /** Its whole environment: what the deployment gives, then what the gateway adds. */
  readonly environment: Readonly<Record<string, string>>
  /** Its own entrance to the workload API. */
  readonly workload: WorkloadAddress
}

/**
 * Sees a module in, before it is made: its identity in the cloud, its entrance to the workload API, and what it is told
 * of both. An identity that is known here is used without asking the cloud.
 *
 * @param options - `gatewayHostName` is where the module connects; `workloadUri` is that of the admission by default
 * @throws `REGISTRY_UNAVAILABLE`, `REGISTRY_REFUSED`, `MODULE_IDENTITY_MISSING`, `MODULE_ENVIRONMENT_CONFLICT`, and what
 * opening an entrance throws
 */
export type AdmitModule = (
  specification: ModuleSpecification,
  options: AdmissionOptions,
  signal?: AbortSignal,
) => Promise<Admission>
