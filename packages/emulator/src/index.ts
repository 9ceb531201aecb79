export { createEmulator, Emulator } from './emulator.js'
export {
  type AssignableHub,
  type Enrollment,
  type EnrollmentAttestation,
  Enrollments,
  type NewEnrollment,
  type NewEnrollmentGroup,
} from './dps/enrollments.js'
export { Provisioning } from './dps/provisioning.js'
export { EmulatorEvents, type EventFilter, type EventReadOptions } from './events.js'
export { EMULATOR_DEFAULTS, type EmulatorOptions, type EmulatorPorts, type EmulatorTls } from './options.js'

export {
  type ClientChange,
  type ClientHandlers,
  type ClientOwner,
  Clients,
  type PartingReason,
} from './state/clients.js'
export { COMMAND_DEFAULTS, type CommandOptions, Commands, MAX_COMMAND_BYTES } from './state/commands.js'
export type { CommandDelivery } from './state/stored-command.js'
export type { Fault, FaultEffect, FaultRate, FaultSpecification, FaultTarget } from './faults/fault.js'
export { Faults } from './faults/faults.js'
export type { Side } from './faults/side.js'

export type { AuthenticationMethod, EventSource, HubEvent, NewEvent } from './state/event.js'
export { EVENT_LOG_DEFAULTS, type EventLogOptions } from './state/event-log.js'
export { HubError, type RefusalName } from './state/hub-error.js'
export { Methods } from './state/methods.js'
export {
  MAX_MODULES,
  type NewDevice,
  type NewModule,
  Registry,
  type RegistryChange,
  type RegistryEntry,
} from './state/registry.js'
export { TWIN_LIMITS } from './state/twin-limits.js'
export { type TwinChange, type TwinRecord, Twins } from './state/twins.js'
