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
  certificateStatus,
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

// Provisioning: which hub, as whom, and the identities of the modules.
export { deriveDeviceKey, type DerivationKey } from './provisioning/derived-keys.js'
export {
  DeviceProvisioner,
  type ProvisionerComponents,
  type ProvisionerOptions,
} from './provisioning/device-provisioner.js'
export { DPS_DEFAULTS, type DpsAssignment, type DpsRegistration, registerDevice } from './provisioning/dps-client.js'
export type { ClientCertificate, CloudService } from './provisioning/https-json.js'
export {
  type IdentityOutcome,
  ModuleIdentities,
  type ModuleIdentitiesComponents,
  type ModuleIdentitiesOptions,
} from './provisioning/module-identities.js'
export {
  type ModuleKeys,
  ModuleRegistry,
  type ModuleRegistryOptions,
  type RegisteredModule,
  type RegistryCredential,
} from './provisioning/module-registry.js'
export type { DeviceCredential, ProvisionedDevice } from './provisioning/provisioned-device.js'
export { readProvisioningFile } from './provisioning/provisioning-file.js'
export type { DpsAttestation, ProvisioningSource } from './provisioning/source.js'

export { KEY_SERVICE_DEFAULTS, KeyServiceSigner, type KeyServiceSignerOptions } from './signers/key-service-signer.js'

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
