export { TAKEOVER_DAMPING_DEFAULTS, type TakeoverDampingOptions } from './sessions/takeover-damping.js'
export type { HubConfiguration } from './configuration/configuration-keeper.js'
export { type ParsedConfiguration, parseConfiguration } from './configuration/parse-configuration.js'
export type { ConfigurationProblem } from './configuration/problem.js'
export { BACKOFF_DEFAULTS, type BackoffOptions, backoffDelay } from './delivery/backoff.js'
export { type DeadLetter, DeadLetters } from './delivery/dead-letters.js'
export type { DeliveryOptions, EndpointState } from './delivery/delivery-engine.js'
export type { EndpointLimits, FullPolicy, RetentionOptions } from './delivery/eviction.js'
export { LANE_DEFAULTS, type LaneOptions } from './delivery/lane.js'
export { parseQueueName, type QueueName } from './delivery/queue-name.js'
export {
  Hub,
  HUB_DEFAULTS,
  type HubComponents,
  type HubEvents,
  type HubOptions,
} from './hub.js'
export {
  IDENTITY_DIRECTORY_DEFAULTS,
  type IdentityDirectoryComponents,
  type IdentityDirectoryEvents,
  type IdentityDirectoryOptions,
  StoredIdentityDirectory,
} from './identities/stored-directory.js'
