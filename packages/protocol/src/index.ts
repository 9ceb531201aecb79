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

// AMQP.
export {
  type AmqpLinkAddress,
  type AmqpLinkKind,
  CBS_ADDRESS,
  formatLinkAddress,
  MAX_ADDRESS_LENGTH,
  parseLinkAddress,
} from './amqp/address.js'
export { AMQP_BATCH_FORMAT, decodeAmqpBatch, encodeAmqpBatch } from './amqp/batch.js'
export { amqpBodyBytes } from './amqp/body.js'
export {
  CBS_SAS_TYPE,
  type PutToken,
  putTokenFromAmqp,
  type PutTokenReply,
  putTokenReplyFromAmqp,
  putTokenReplyToAmqp,
  putTokenToAmqp,
} from './amqp/cbs.js'
export { AMQP_CONDITION, type ConditionMeaning, conditionMeaning } from './amqp/condition.js'
export { idText, uuidBytes } from './amqp/fields.js'
export { AmqpFrameSplitter } from './amqp/frame-splitter.js'
export { AMQP_LIMITS, AMQP_WEBSOCKET } from './amqp/limits.js'
export {
  type AmqpDelivery,
  deliveryFromAmqp,
  deliveryToAmqp,
  telemetryFromAmqp,
  telemetryToAmqp,
} from './amqp/message.js'
export { AmqpBodyValue, type AmqpMessage, encodeAmqpMessage, type WritableAmqpMessage } from './amqp/message-format.js'
export {
  type AmqpMethodRequest,
  type AmqpMethodResponse,
  methodRequestFromAmqp,
  methodRequestToAmqp,
  methodResponseFromAmqp,
  methodResponseToAmqp,
} from './amqp/method.js'
export {
  type AmqpTwinNotice,
  type AmqpTwinRequest,
  twinNoticeFromAmqp,
  twinNoticeToAmqp,
  type TwinOperation,
  twinRequestFromAmqp,
  twinRequestToAmqp,
} from './amqp/twin.js'
export {
  type AmqpId,
  AmqpTyped,
  type AmqpTypeName,
  type AmqpValue,
  long,
  symbol,
  timestamp,
  ubyte,
  ulong,
  uuid,
} from './amqp/value.js'

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
