/** Error conditions that both sides of the wire know. Source: AMQP 1.0 part 2, section 2.8, and IoT Hub's own. */
export const AMQP_CONDITION = Object.freeze({
  unauthorized: 'amqp:unauthorized-access',
  notFound: 'amqp:not-found',
  notAllowed: 'amqp:not-allowed',
  notImplemented: 'amqp:not-implemented',
  internalError: 'amqp:internal-error',
  decodeError: 'amqp:decode-error',
  resourceLimitExceeded: 'amqp:resource-limit-exceeded',
  messageSizeExceeded: 'amqp:link:message-size-exceeded',
  detachForced: 'amqp:link:detach-forced',
  stolen: 'amqp:link:stolen',
  connectionForced: 'amqp:connection:forced',
  quotaExceeded: 'com.microsoft:quota-exceeded',
  timeout: 'com.microsoft:timeout',
  throttled: 'com.microsoft:device-container-throttled',
  messageLockLost: 'com.microsoft:message-lock-lost',
  preconditionFailed: 'com.microsoft:precondition-failed',
  argumentError: 'com.microsoft:argument-error',
  argumentOutOfRange: 'com.microsoft:argument-out-of-range',
  hubSuspended: 'com.microsoft:iot-hub-suspended',
  hubNotFound: 'com.microsoft:iot-hub-not-found-error',
})

/** What to make of a condition, whether it comes with a detach or a rejected message. */
export type ConditionMeaning =
  /** The credentials were refused, or the identity is gone. */
  | 'unauthorized'
  /** Slow down; nothing is wrong with the message. */
  | 'throttled'
  /** The same again will fail again. */
  | 'permanent'
  /** Try again. */
  | 'transient'

const MEANINGS: ReadonlyMap<string, ConditionMeaning> = new Map<string, ConditionMeaning>([
  [AMQP_CONDITION.unauthorized, 'unauthorized'],
  [AMQP_CONDITION.notFound, 'unauthorized'],
  [AMQP_CONDITION.throttled, 'throttled'],
  [AMQP_CONDITION.resourceLimitExceeded, 'throttled'],
  [AMQP_CONDITION.quotaExceeded, 'throttled'],
  [AMQP_CONDITION.messageSizeExceeded, 'permanent'],
  [AMQP_CONDITION.notAllowed, 'permanent'],
  [AMQP_CONDITION.notImplemented, 'permanent'],
  [AMQP_CONDITION.decodeError, 'permanent'],
  [AMQP_CONDITION.argumentError, 'permanent'],
  [AMQP_CONDITION.argumentOutOfRange, 'permanent'],
  [AMQP_CONDITION.preconditionFailed, 'permanent'],
])

/** What to make of a condition; one that is not known may pass. */
export function conditionMeaning(condition: string | undefined): ConditionMeaning {
  return MEANINGS.get(condition ?? '') ?? 'transient'
}
