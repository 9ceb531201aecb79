// The common composition.
export type {
  Cloud,
  CloudPart,
  FreeTopicsContext,
  FreeTopicsPart,
  FrontEnd,
  FrontEndContext,
  FrontEndPart,
  GatewayContext,
  RuntimeContext,
  RuntimePart,
  RuntimeWithModules,
  StorePart,
} from './context.js'
export { createGateway, Gateway, GATEWAY_DEFAULTS, type GatewayEvents, type GatewayOptions } from './gateway.js'
export type { GatewayStatus } from './gateway-status.js'
export { iotHub, type IotHubOptions } from './parts/clouds.js'
export { freeTopics, type FreeTopicsPartOptions } from './parts/free-topics.js'
export { amqp, https, type HttpsLimits, type ListenOptions, mqtt } from './parts/front-ends.js'
export type { Admission, AdmissionOptions, AdmitModule } from './modules/admission.js'
export { GatewayModules, type GatewayModulesComponents, type ModulesOptions } from './modules/gateway-modules.js'
export { docker, type DockerPartOptions } from './parts/docker.js'
export { inProcess, processes } from './parts/modules.js'
export { lmdbStore, logStore, type LogStorePartOptions, memoryStore } from './parts/stores.js'

// Of the packages below, what programs around a gateway need most.
export {
  type AccessStatement,
  type Authorization,
  type BridgeRules,
  FreeTopics,
  hashSecret,
  type TopicAccount,
  type TopicLogin,
} from '@edgewright/broker'
export {
  type Clock,
  type Connectivity,
  createMessage,
  describeError,
  EdgewrightError,
  type Identity,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  lineLogger,
  type Logger,
  memoryMeter,
  type Message,
  type RouteRule,
  settleInOrder,
  silentLogger,
  type Store,
  systemClock,
} from '@edgewright/core'
export type { DeadLetter, DeadLetters, Hub, HubConfiguration } from '@edgewright/hub'
export { type ConnectionString, formatConnectionString, parseConnectionString } from '@edgewright/protocol'
export {
  checkRoutes,
  type CompiledRoutes,
  compileRoutes,
  explain,
  formatExplanation,
  formatRouteErrors,
  readMessageDocument,
  readRouteDocument,
  type RouteError,
  type RouteRules,
  type RouteWarning,
  type Semantics,
} from '@edgewright/router'
export {
  type CertificateStatus,
  type DpsAttestation,
  EdgeAuthority,
  KeyServiceSigner,
  type KeyServiceSignerOptions,
  type ProvisioningSource,
  readProvisioningFile,
} from '@edgewright/security'
export {
  describeStore,
  formatDescription,
  formatVerification,
  repairStore,
  type StoreDescription,
  type StoreVerification,
  verifyStore,
} from '@edgewright/store-log'
export {
  changesOf,
  CONFINED,
  type Deployment,
  DockerRuntime,
  EdgeAgent,
  formatPlan,
  type ImageRule,
  InProcessRuntime,
  ManifestError,
  type ModuleContext,
  type ModuleFunction,
  type ModuleStatus,
  parseDeployment,
  type Plan,
  ProcessRuntime,
  Supervisor,
} from '@edgewright/supervisor'
