export { describeError, EdgewrightError, type EdgewrightErrorOptions } from './errors.js'
export { type ByteSize, type ByteSizeText, parseByteSize } from './byte-size.js'
export { type Duration, type DurationText, MAX_DURATION, parseDuration } from './duration.js'
export { Service, type ServiceState, settleInOrder, type Startable } from './lifecycle.js'

export {
  type Identity,
  type IdentityAuthentication,
  type IdentityKey,
  type IdentityRecord,
  identityFromKey,
  identityKey,
  sameIdentity,
} from './identity.js'
export { isJsonObject, type JsonObject, type JsonValue } from './json.js'
export { applyMergePatch, combineMergePatches, diffMergePatch } from './merge-patch.js'
export {
  type ApplicationProperties,
  createMessage,
  DEFAULT_PRIORITY,
  MAX_MESSAGE_BYTES,
  type Message,
  type MessageSource,
  messageSize,
  NO_PROPERTIES,
  type SystemProperties,
} from './message.js'
export type { MethodRequest, MethodResponse } from './method.js'
export { withDefaults } from './options.js'
export type { RouteDestination, RouteRule, RouteTarget } from './route.js'
export type { RefusedReport, Twin, TwinPatch, TwinProperties } from './twin.js'

export type {
  Authentication,
  AuthenticationRefusal,
  Authenticator,
  Credentials,
  IdentityDirectory,
  IdentitySource,
} from './ports/authenticator.js'
export { type Clock, sleep, systemClock, type Timer } from './ports/clock.js'
export {
  ACCEPTED,
  type DeliveryOutcome,
  type Endpoint,
  type QueuedMessage,
  reject,
  retry,
} from './ports/endpoint.js'
export type {
  ClientDelivery,
  ClientPeer,
  HubSession,
  OpenedSession,
  SendRefusal,
  SessionEnd,
  SessionHost,
  SessionOptions,
  Settlement,
  Subscription,
} from './ports/hub-session.js'
export { lineLogger, type LogFields, type Logger, type LogLevel, silentLogger } from './ports/logger.js'
export type { MethodInvoker } from './ports/method-invoker.js'
export {
  type Counter,
  type Gauge,
  memoryMeter,
  type Meter,
  type MeterLabels,
  type MeterReading,
  type ReadableMeter,
} from './ports/meter.js'
export type { ModuleHost } from './ports/module-host.js'
export type {
  ImageVerifier,
  ModuleLogLine,
  ModuleLogQuery,
  ModuleObservation,
  ModuleRuntime,
  ModuleSpecification,
  ModuleState,
  PullProgress,
} from './ports/module-runtime.js'
export type { Sealer } from './ports/sealer.js'
export type { CertificateIssuer, CertificateRequest, IssuedCertificate, Signer } from './ports/signer.js'
export { assertStoreChange, assertStoreName, assertStorePayload, compareStoreKeys } from './store-limits.js'
export {
  MAX_CHANGE_BYTES,
  MAX_NAME_BYTES,
  MAX_PAYLOAD_BYTES,
  MAX_REFERENCES,
  type Position,
  type QueueEntry,
  type QueueRead,
  type QueueReference,
  type QueueState,
  type Store,
  type StoreAppend,
  type StoreChange,
  type StorePut,
  type StoreRemoval,
  type StoreUsage,
} from './ports/store.js'
export type {
  CloudDelivery,
  CloudHandlers,
  CloudSession,
  Connectivity,
  Upstream,
  UpstreamEvents,
} from './ports/upstream.js'
