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
export { KeyRing, type KeyRingOptions } from './keys/key-ring.js'
export { signSasToken, type SasTokenRequest } from './keys/sas-token.js'
export { SealingKey } from './keys/sealing-key.js'
export { fetchModuleKey, type ModuleKeyRequest } from './provisioning/module-key.js'
