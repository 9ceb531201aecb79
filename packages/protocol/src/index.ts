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

// MQTT: topics, property bags, user names.
export { type ClientPath, clientPath, parseClientPath } from './mqtt/client-path.js'
export {
  type ClientTopic,
  formatClientTopic,
  type MethodResponseTopic,
  parseClientTopic,
  type ReportTopic,
  type TelemetryTopic,
  type TwinGetTopic,
} from './mqtt/client-topic.js'
export { ClientTopicReader } from './mqtt/client-topic-reader.js'
export {
  type CommandTopic,
  type DesiredTopic,
  formatHubTopic,
  type HubTopic,
  type InputTopic,
  type MethodRequestTopic,
  parseHubTopic,
  type TwinResponseTopic,
} from './mqtt/hub-topic.js'
export {
  type BagDirection,
  decodePropertyBag,
  EMPTY_BAG,
  encodePropertyBag,
  type PropertyBag,
} from './mqtt/property-bag.js'
export {
  formatSubscriptionFilter,
  parseSubscriptionFilter,
  type SubscriptionFilter,
  TWIN_RESPONSE_FILTER,
} from './mqtt/subscription-filter.js'
export { formatUsername, type MqttUsername, parseUsername } from './mqtt/username.js'
