import { randomBytes } from 'node:crypto'
import { HubError } from './hub-error.js'

const ID = /^[A-Za-z0-9\-:.+%_#*?!(),=@;$']{1,128}$/

/** A symmetric key of 256 bits in base64, as the registry makes them. */
export function generateKey(): string {
  return randomBytes(32).toString('base64')
}

/** A generation id: 18 decimal digits, as the registry's look. */
export function generateGenerationId(): string {
  return String(638_000_000_000_000_000n + BigInt(randomBytes(6).readUIntBE(0, 6)))
}

/** An entity tag. */
export function generateEtag(): string {
  return randomBytes(6).toString('base64')
}

/**
 * Checks a device, module or configuration id. Source: IoT Hub identity registry, identity properties.
 *
 * @throws `HUB_ARGUMENT_INVALID`
 */
export function assertId(id: unknown, what: string): asserts id is string {
  if (typeof id !== 'string' || !ID.test(id)) {
    throw new HubError(
      'ArgumentInvalid',
      `${what} must be 1 to 128 of the characters A-Z a-z 0-9 - : . + % _ # * ? ! ( ) , = @ ; $ '`,
    )
  }
}
