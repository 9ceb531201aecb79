import type { CertificateIssuer, JsonValue, Sealer, Signer } from '@edgewright/core'
import type { ModuleDirectory, WorkloadIdentity } from './module-directory.js'
import type { WorkloadAnswer } from './answer.js'

/** Whose device this is: what identity certificates name. */
export interface WorkloadDevice {
  /** The cloud hub's name. */
  readonly hubHostName: string
  readonly deviceId: string
}

/** What modules are told to trust, and what they may not pretend to be. */
export interface WorkloadTrust {
  /** PEM of authorities that modules are to trust besides the issuer's own. @default none */
  readonly additionalTrust?: string | undefined
  /** PEM of authorities that may sign deployments. @default none */
  readonly manifestTrustBundle?: string | undefined
  /**
   * Names and addresses that no module gets a server certificate for: give this gateway's own, unless a module is to
   * stand in front of it. @default none, as with the original
   */
  readonly reservedNames?: readonly string[] | undefined
}

/** What operations work with. */
export interface OperationComponents {
  readonly modules: ModuleDirectory
  readonly signer: Signer
  readonly issuer: CertificateIssuer
  /** For values that modules have sealed: `sealingKey.sealer('workload')`. */
  readonly sealer: Sealer
  readonly device: WorkloadDevice
  readonly trust: WorkloadTrust
}

/** A call that may be served: the caller is who the path names. */
export interface WorkloadCall {
  readonly body: JsonValue | undefined
  readonly signal: AbortSignal
}

/** A call with the caller's own identity. */
export interface IdentityCall extends WorkloadCall {
  readonly moduleId: string
  readonly identity: WorkloadIdentity
}

/** Serves what any module may ask for. */
export type SharedOperation = (call: WorkloadCall, parts: OperationComponents) => Promise<WorkloadAnswer>

/** Serves what a module may ask for itself only. */
export type IdentityOperation = (call: IdentityCall, parts: OperationComponents) => Promise<WorkloadAnswer>
