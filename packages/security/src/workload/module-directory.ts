import type { ModuleObservation } from '@edgewright/core'

/** The identity that a module may use. */
export interface WorkloadIdentity {
  /** Of the module's identity in the cloud: what was signed or sealed for an earlier one is not served any more. */
  readonly generationId: string
  /** Name of the module's primary key at the signer. */
  readonly keyId: string
}

/** What the workload API needs to know about the modules of this device. */
export interface ModuleDirectory {
  /** The identity of a module, by its id in the cloud; undefined when it has none. */
  find(moduleId: string): WorkloadIdentity | undefined
  /** Every module as its runtime sees it. */
  list(signal?: AbortSignal): Promise<readonly ModuleObservation[]>
}
