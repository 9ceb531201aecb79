import { EdgewrightError, type Identity } from '@edgewright/core'
import { conditionMeaning } from '@edgewright/protocol'
import { offline, refused, throttled, unauthorized } from '../errors.js'
import { AmqpRefusal } from './opened.js'

/** What a caller of `CloudSession` is told of a failure. */
export function upstreamError(identity: Identity, error: unknown): EdgewrightError {
  if (EdgewrightError.is(error)) return error
  if (!(error instanceof AmqpRefusal)) return offline(error instanceof Error ? error.message : String(error), error)
  const meaning = conditionMeaning(error.condition)
  if (meaning === 'unauthorized') return unauthorized(identity, error.message, error)
  if (meaning === 'throttled') return throttled(error.message)
  return meaning === 'permanent' ? refused(error.message) : offline(error.message, error)
}
