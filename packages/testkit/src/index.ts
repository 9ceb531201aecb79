export { type TestCertificateOptions, type TestCertificates, testCertificates } from './certificates.js'
export { VIRTUAL_CLOCK_DEFAULTS, type VirtualClock, type VirtualClockOptions, virtualClock } from './clock.js'
export {
  numberedMessages,
  RANDOM_MESSAGE_DEFAULTS,
  type RandomMessageOptions,
  randomMessages,
  randomNumbers,
} from './messages.js'
export {
  type MemoryModuleHost,
  memoryModuleHost,
  type MemoryModuleHostOptions,
  type SentMessage,
} from './module-host.js'
export type { TestRunner } from './runner.js'
