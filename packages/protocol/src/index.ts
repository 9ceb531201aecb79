// What both protocols share.
export { Refusal } from './refusal.js'
export { percentDecode, percentEncode } from './percent.js'
export {
  type ConnectionCredential,
  type ConnectionString,
  formatConnectionString,
  type IdentityConnectionString,
  MAX_CONNECTION_STRING_LENGTH,
  parseConnectionString,
  type ServiceConnectionString,
} from './connection-string.js'
export { formatSasAudience, parseSasAudience, type SasAudience } from './sas/audience.js'
export {
  createSasToken,
  formatSasToken,
  MAX_SAS_TOKEN_LENGTH,
  parseSasToken,
  sasSignature,
  sasSignText,
  type SasToken,
  type SasTokenOptions,
} from './sas/token.js'
export { SAS_CLOCK_SKEW, type SasExpectation, sasExpiry, type SasVerdict, verifySasToken } from './sas/verify.js'
