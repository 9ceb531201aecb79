import { randomUUID } from 'node:crypto'
import type { HubError } from '../state/hub-error.js'

/** A refusal of a twin request as JSON: SDKs parse it, and take a body without `errorCode` for success. */
export function errorBody(refusal: HubError): Buffer {
  return Buffer.from(
    JSON.stringify({ errorCode: refusal.number, trackingId: randomUUID(), message: refusal.message }),
    'utf8',
  )
}
