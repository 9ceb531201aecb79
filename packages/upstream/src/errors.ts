import { EdgewrightError, type Identity, identityKey } from '@edgewright/core'

/** Nothing reaches the cloud just now. */
export function offline(reason: string, cause?: unknown): EdgewrightError {
  return new EdgewrightError('UPSTREAM_OFFLINE', `The cloud cannot be reached: ${reason}`, {
    remedy: 'Nothing is lost; it is tried again. See the reason when it lasts.',
    cause,
  })
}

/** The cloud does not let this identity in; others are not affected. */
export function unauthorized(identity: Identity, detail: string, cause?: unknown): EdgewrightError {
  return new EdgewrightError('UPSTREAM_UNAUTHORIZED', `The cloud refused ${identityKey(identity)}: ${detail}`, {
    remedy: 'Check that the identity exists, is enabled, and has the key that is used here.',
    cause,
  })
}

/** The cloud asks for patience. */
export function throttled(detail: string): EdgewrightError {
  return new EdgewrightError('UPSTREAM_THROTTLED', `The cloud asks to slow down: ${detail}`, {
    remedy: 'Nothing is lost; it is tried again, more slowly. Check the units of the hub when it lasts.',
  })
}

/** The cloud will not do this, however often it is asked. */
export function refused(detail: string): EdgewrightError {
  return new EdgewrightError('UPSTREAM_REFUSED', `The cloud refused the request: ${detail}`, {
    remedy: 'Correct what was asked for; asking again will not help.',
  })
}
