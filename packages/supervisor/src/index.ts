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
