import { EdgewrightError } from '@edgewright/core'

/** What the engine's client rejects with. */
interface ClientError extends Error {
  readonly statusCode?: number
  readonly json?: { readonly message?: string }
  readonly code?: string
}

/** The HTTP status with which the engine answered; undefined when it did not. */
export function statusOf(error: unknown): number | undefined {
  return (error as ClientError).statusCode
}

/** What the engine says, or that it cannot be reached, as an error of ours. */
export function engineError(error: unknown, module: string): unknown {
  const { statusCode, json, code, message } = error as ClientError
  if (statusCode !== undefined) {
    return new EdgewrightError('ENGINE_REFUSED', `The container engine refused: ${json?.message ?? message}`, {
      place: module,
      remedy: 'Correct what the deployment asks for.',
    })
  }
  if (code === 'ECONNREFUSED' || code === 'ENOENT' || code === 'EACCES' || code === 'ECONNRESET' || code === 'EPIPE') {
    return engineUnavailable(error)
  }
  return error
}

/** That the engine does not answer. */
export function engineUnavailable(cause: unknown): EdgewrightError {
  return new EdgewrightError('ENGINE_UNAVAILABLE', 'The container engine cannot be reached', {
    remedy: 'Check that it runs, and that this user may use its socket.',
    cause,
  })
}

/** That what a module is to be made of cannot be had. */
export function notAvailable(image: string, reason: string): EdgewrightError {
  return new EdgewrightError('MODULE_NOT_AVAILABLE', `The image cannot be had: ${reason}`, {
    place: image,
    remedy: 'Check its name, the registry, and the credentials of the deployment.',
  })
}
