export type { TestRunner } from '../runner.js'
export { issuerConformance, type IssuerFactory, type IssuerUnderTest } from './certificate-issuer.js'
export { signerConformance, type SignerFactory, type SignerUnderTest } from './signer.js'
export { hasSoftHsm, type SoftHsm, type SoftHsmOptions, startSoftHsm, WITHOUT_SOFT_HSM } from './soft-hsm.js'
