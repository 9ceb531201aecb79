export { type AgentSettings, readAgentSettings } from './agent/agent-settings.js'
export { type DeploymentOutcome, NO_OUTCOME, type OutcomeParts, outcomeOf } from './agent/deployment-outcome.js'
export {
  type AgentMethodHandler,
  EDGE_AGENT_DEFAULTS,
  EdgeAgent,
  type EdgeAgentComponents,
  type EdgeAgentEvents,
  type EdgeAgentOptions,
} from './agent/edge-agent.js'
export { AgentMethods, type AgentMethodsComponents } from './agent/methods/agent-methods.js'
export { AzureBlobUpload, type AzureBlobUploadComponents } from './agent/methods/azure-blob-upload.js'
export type { Blob, BlobUpload } from './agent/methods/blob-upload.js'
export {
  type AgentDescription,
  MAX_REPORTED_BYTES,
  reportedDocument,
  type ReportParts,
} from './agent/reported-document.js'
export { formatCreateOptions } from './manifest/create-options.js'
export {
  type Deployment,
  type DesiredModule,
  LAST_STARTUP_ORDER,
  type RegistryCredential,
  type RuntimeSettings,
} from './manifest/deployment.js'
export { differences } from './manifest/differences.js'
export { formatImageReference, type ImageReference, parseImageReference } from './manifest/image-reference.js'
export { ManifestError, type ManifestProblem, type ManifestStatus } from './manifest/manifest-error.js'
export { DEPLOYMENT_DEFAULTS, type DeploymentOptions, parseDeployment } from './manifest/parse-deployment.js'
export {
  IMAGE_CLEANUP_DEFAULTS,
  ImageCleanup,
  type ImageCleanupComponents,
  type ImageCleanupOptions,
  type ImageShelf,
} from './images/image-cleanup.js'
export { type ImageRule, ImageRules, type ImageRulesOptions } from './images/image-rules.js'
export {
  IMAGE_RETENTION_DEFAULTS,
  type ImageRetention,
  type ImageSituation,
  imagesToRemove,
  type StoredImage,
} from './images/images-to-remove.js'
export { OciRegistry, type OciRegistryOptions, type RegistryManifest } from './images/oci-registry.js'
export { changesOf, formatPlan } from './plan/format-plan.js'
export type { Plan, PlanOptions } from './plan/plan.js'
export type { ModulePlan, Step } from './plan/plan-module.js'
export { RESTART_DEFAULTS, type RestartOptions, type RestartPolicy } from './plan/restart-policy.js'
export type { ModuleStatus } from './run/module-status.js'
export {
  type SupervisedModule,
  Supervisor,
  SUPERVISOR_DEFAULTS,
  type SupervisorComponents,
  type SupervisorEvents,
  type SupervisorOptions,
} from './run/supervisor.js'
export type { ContainerPreparation } from './runtimes/docker/container-options.js'
export {
  DOCKER_DEFAULTS,
  type DockerComponents,
  type DockerOptions,
  DockerRuntime,
} from './runtimes/docker/docker-runtime.js'
export { CONFINED, type PrivilegePolicy } from './runtimes/docker/privilege-policy.js'
export { LOG_RING_DEFAULTS, type LogRingOptions } from './runtimes/log-ring.js'
export {
  IN_PROCESS_DEFAULTS,
  type InProcessComponents,
  type InProcessOptions,
  InProcessRuntime,
} from './runtimes/in-process/in-process-runtime.js'
export type {
  MessageParts,
  ModuleContext,
  ModuleFunction,
  ModuleMethod,
  ModuleOutput,
  ModuleTwin,
  ReceivedMessage,
} from './runtimes/in-process/module-context.js'
export {
  PROCESS_DEFAULTS,
  type ProcessComponents,
  type ProcessOptions,
  ProcessRuntime,
} from './runtimes/process/process-runtime.js'
