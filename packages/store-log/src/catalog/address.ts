/**
 * Where bytes of the log lie, as one number: which segment, and where in it. Later bytes have greater addresses.
 * No segment reaches the span, so the sum stays an exact integer for 2^25 segments.
 */
export type Address = number

/** What no segment's length may reach. */
export const SEGMENT_SPAN = 268_435_456

/** The address of no bytes: numbers of segments start at 1. */
export const NOWHERE: Address = 0

export function addressOf(segment: number, offset: number): Address {
  return segment * SEGMENT_SPAN + offset
}

export function segmentOf(address: Address): number {
  return Math.floor(address / SEGMENT_SPAN)
}

export function offsetOf(address: Address): number {
  return address - segmentOf(address) * SEGMENT_SPAN
}

/** No payload is longer than fits below this. */
const LENGTH_SPAN = 33_554_432

/** Length of a payload, and the how-many-th payload of its segment it is, as one number. */
export type Payload = number

export function packPayload(ordinal: number, length: number): Payload {
  return ordinal * LENGTH_SPAN + length
}

export function ordinalOf(payload: Payload): number {
  return Math.floor(payload / LENGTH_SPAN)
}

export function lengthOf(payload: Payload): number {
  return payload - ordinalOf(payload) * LENGTH_SPAN
}
