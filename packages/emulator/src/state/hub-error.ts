import { EdgewrightError } from '@edgewright/core'

interface Refusal {
  /** Our stable code. */
  readonly code: string
  /** HTTP status, also in twin responses. */
  readonly status: number
  /** The hub's own number, as its error bodies carry it. */
  readonly number: number
  /** AMQP error condition. */
  readonly condition: string
}

/**
 * Everything the emulated hub may refuse, by the name IoT Hub gives it, and how each protocol says it.
 * Source: IoT Hub REST reference, error codes; AMQP conditions as the device SDKs map them.
 */
export const REFUSALS = Object.freeze({
  ArgumentInvalid: refusal('HUB_ARGUMENT_INVALID', 400, 400004, 'com.microsoft:argument-error'),
  IotHubUnauthorizedAccess: refusal('HUB_UNAUTHORIZED', 401, 401002, 'amqp:unauthorized-access'),
  DeviceMaximumQueueDepthExceeded: refusal('HUB_QUEUE_FULL', 403, 403004, 'amqp:resource-limit-exceeded'),
  OperationNotAllowedInCurrentState: refusal('HUB_NOT_ALLOWED', 403, 403007, 'amqp:not-allowed'),
  QuotaExceeded: refusal('HUB_QUOTA_EXCEEDED', 403, 403002, 'com.microsoft:quota-exceeded'),
  DeviceNotFound: refusal('HUB_DEVICE_NOT_FOUND', 404, 404001, 'amqp:not-found'),
  ModuleNotFound: refusal('HUB_MODULE_NOT_FOUND', 404, 404010, 'amqp:not-found'),
  ConfigurationNotFound: refusal('HUB_CONFIGURATION_NOT_FOUND', 404, 404008, 'amqp:not-found'),
  NotFound: refusal('HUB_NOT_FOUND', 404, 404000, 'amqp:not-found'),
  DeviceNotOnline: refusal('HUB_DEVICE_NOT_ONLINE', 404, 404103, 'amqp:not-found'),
  DeviceAlreadyExists: refusal('HUB_DEVICE_EXISTS', 409, 409001, 'com.microsoft:device-already-exists'),
  ModuleAlreadyExistsOnDevice: refusal('HUB_MODULE_EXISTS', 409, 409301, 'com.microsoft:device-already-exists'),
  ConfigurationAlreadyExists: refusal('HUB_CONFIGURATION_EXISTS', 409, 409010, 'amqp:not-allowed'),
  PreconditionFailed: refusal('HUB_PRECONDITION_FAILED', 412, 412001, 'com.microsoft:precondition-failed'),
  DeviceMessageLockLost: refusal('HUB_LOCK_LOST', 412, 412002, 'com.microsoft:message-lock-lost'),
  ReceiverDisconnected: refusal('HUB_READER_EVICTED', 409, 409999, 'amqp:link:stolen'),
  MessageTooLarge: refusal('HUB_MESSAGE_TOO_LARGE', 413, 413001, 'amqp:link:message-size-exceeded'),
  Throttled: refusal('HUB_THROTTLED', 429, 429001, 'com.microsoft:device-container-throttled'),
  ServerError: refusal('HUB_INTERNAL', 500, 500001, 'amqp:internal-error'),
  ServiceUnavailable: refusal('HUB_UNAVAILABLE', 503, 503001, 'com.microsoft:timeout'),
  GatewayTimeout: refusal('HUB_METHOD_TIMEOUT', 504, 504101, 'com.microsoft:timeout'),
})

/** The hub's name of a refusal. */
export type RefusalName = keyof typeof REFUSALS

/** What the emulated hub answers instead of doing what it was asked; every protocol head can say it. */
export class HubError extends EdgewrightError {
  readonly refusal: RefusalName
  readonly status: number
  readonly number: number
  readonly condition: string

  constructor(name: RefusalName, message: string) {
    super(REFUSALS[name].code, message)
    this.refusal = name
    this.status = REFUSALS[name].status
    this.number = REFUSALS[name].number
    this.condition = REFUSALS[name].condition
  }

  /** Any thrown value as a refusal; what is not one of ours is the hub's own failure and keeps its text to the cause. */
  static from(error: unknown): HubError {
    return error instanceof HubError ? error : new HubError('ServerError', 'The emulator failed.')
  }
}

function refusal(code: string, status: number, number: number, condition: string): Refusal {
  return Object.freeze({ code, status, number, condition })
}
