export {
  DirectoryAuthenticator,
  type DirectoryAuthenticatorComponents,
  type DirectoryAuthenticatorOptions,
} from './authentication/directory-authenticator.js'
export type { DevelopmentAuthorityOptions } from './certificates/development-authority.js'
export { DEVELOPMENT_AUTHORITY_DEFAULTS } from './certificates/development-authority.js'
export {
  EdgeAuthority,
  type EdgeAuthorityPorts,
  type OperatorAuthorityOptions,
} from './certificates/edge-authority.js'
export {
  type CertificateState,
  type CertificateStatus,
  certificateReport,
} from './certificates/certificate-status.js'
export {
  RENEWAL_DEFAULTS,
  RenewingCertificate,
  type RenewingCertificateComponents,
  type RenewingCertificateEvents,
  type RenewingCertificateOptions,
} from './certificates/renewing-certificate.js'
export { KeyRing, type KeyRingOptions } from './keys/key-ring.js'
export { signSasToken, type SasTokenRequest } from './keys/sas-token.js'
export { SealingKey } from './keys/sealing-key.js'
export { fetchModuleKey, type ModuleKeyRequest } from './provisioning/module-key.js'

// The workload API.
export { LATEST_WORKLOAD_API_VERSION, WORKLOAD_API_VERSIONS } from './workload/api-version.js'
export {
  CONTAINER_WORKLOAD_URI,
  moduleEnvironment,
  type ModuleEnvironmentOptions,
  WORKLOAD_MOUNT,
} from './workload/environment.js'
export { WORKLOAD_LIMITS, type WorkloadLimits } from './workload/limits.js'
export type { ModuleDirectory, WorkloadIdentity } from './workload/module-directory.js'
export type { WorkloadDevice, WorkloadTrust } from './workload/operation.js'
export {
  type WorkloadAddress,
  WorkloadApi,
  type WorkloadComponents,
  type WorkloadOptions,
  type WorkloadTransport,
} from './workload/workload-api.js'
