import { isJsonObject, type JsonObject, type JsonValue } from '@edgewright/core'
import { HubError, REFUSALS, type RefusalName } from '../state/hub-error.js'
import type { FaultEffect, FaultRate, FaultSpecification, FaultTarget } from './fault.js'

/** Reads a fault of a request. @throws `HUB_ARGUMENT_INVALID` */
export function faultFromJson(json: JsonObject): FaultSpecification {
  const { target, duration } = json
  return {
    ...effectFromJson(json),
    ...(target === undefined ? {} : { target: targetFromJson(target) }),
    ...(duration === undefined ? {} : { duration: positive(duration, 'duration') }),
  }
}

/** Reads whom a fault hits. @throws `HUB_ARGUMENT_INVALID` */
export function targetFromJson(json: JsonValue | undefined): FaultTarget {
  if (json === undefined) return {}
  if (!isJsonObject(json)) throw new HubError('ArgumentInvalid', 'target must be an object')
  const { side, identity, connection, transport, ...rest } = json
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined) throw new HubError('ArgumentInvalid', `target.${unknown} is not known`)
  return {
    ...(side === undefined ? {} : { side: oneOf(side, ['device', 'service'], 'target.side') }),
    ...(identity === undefined ? {} : { identity: text(identity, 'target.identity') }),
    ...(connection === undefined ? {} : { connection: positive(connection, 'target.connection') }),
    ...(transport === undefined ? {} : { transport: oneOf(transport, TRANSPORTS, 'target.transport') }),
  }
}

const TRANSPORTS = ['amqp', 'amqp-ws', 'mqtt', 'mqtt-ws', 'https'] as const
const KINDS = ['cut', 'refuse', 'silence', 'delay', 'slow', 'throttle', 'reject', 'drop'] as const

function effectFromJson(json: JsonObject): FaultEffect {
  const kind = oneOf(json.kind ?? null, KINDS, 'kind')
  const { milliseconds, jitter, bytesPerSecond, as, of } = json
  switch (kind) {
    case 'delay':
      return { kind, milliseconds: positive(milliseconds, 'milliseconds'), ...optional({ jitter }) }
    case 'slow':
      return { kind, bytesPerSecond: positive(bytesPerSecond, 'bytesPerSecond') }
    case 'reject': {
      const names = Object.keys(REFUSALS) as RefusalName[]
      return {
        kind,
        ...rateFromJson(json),
        ...(as === undefined ? {} : { as: oneOf(as, names, 'as') }),
        ...(of === undefined ? {} : { of: oneOf(of, ['telemetry', 'report'], 'of') }),
      }
    }
    case 'throttle':
    case 'drop':
      return { kind, ...rateFromJson(json) }
    default:
      return { kind }
  }
}

function rateFromJson({ nth, every, probability }: JsonObject): FaultRate {
  return optional({ nth, every, probability })
}

function optional(values: Readonly<Record<string, JsonValue | undefined>>): Record<string, number> {
  const present = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(present.map(([name, value]) => [name, positive(value, name)]))
}

function positive(value: JsonValue | undefined, name: string): number {
  if (typeof value !== 'number' || !(value > 0))
    throw new HubError('ArgumentInvalid', `${name} must be a number above 0`)
  return value
}

function text(value: JsonValue, name: string): string {
  if (typeof value !== 'string' || value === '') throw new HubError('ArgumentInvalid', `${name} must be text`)
  return value
}

function oneOf<const Name extends string>(value: JsonValue, names: readonly Name[], name: string): Name {
  const found = names.find(candidate => candidate === value)
  if (found === undefined) throw new HubError('ArgumentInvalid', `${name} must be one of ${names.join(', ')}`)
  return found
}
