import { EdgewrightError } from '@edgewright/core'

/** That a method's payload cannot be used: answered with 400. */
export function badRequest(message: string): EdgewrightError {
  return new EdgewrightError('METHOD_PAYLOAD_INVALID', message, { remedy: 'Correct the payload of the method.' })
}
