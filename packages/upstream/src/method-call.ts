import {
  describeError,
  type Identity,
  identityKey,
  type Logger,
  type MethodRequest,
  type MethodResponse,
} from '@edgewright/core'
import { jsonBytes, parseJson } from './twin-document.js'

/** Takes method calls of one identity. */
export type MethodHandler = (request: MethodRequest, signal: AbortSignal) => Promise<MethodResponse>

/** A call as it comes over the wire. */
export interface MethodCall {
  readonly identity: Identity
  readonly name: string
  readonly body: Uint8Array
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal
  readonly logger: Logger
}

/** The hub keeps the time of a call and does not tell it; this is the most it allows, in milliseconds. */
const LONGEST_CALL = 300_000

/** Has a call answered; a handler that fails is answered for, with 500 and what it threw. */
export async function answerMethod(
  { identity, name, body, signal, logger }: MethodCall,
  handler: MethodHandler,
): Promise<{ readonly status: number; readonly body: Buffer }> {
  const payload = parseJson(body)
  const limits = { responseTimeout: LONGEST_CALL, connectTimeout: 0 }
  try {
    const response = await handler(payload === undefined ? { name, ...limits } : { name, payload, ...limits }, signal)
    return { status: response.status, body: jsonBytes(response.payload) }
  } catch (error) {
    const message = describeError(error)
    logger.log('warn', 'a method call was not answered', {
      identity: identityKey(identity),
      method: name,
      error: message,
    })
    return { status: 500, body: jsonBytes({ message }) }
  }
}

/** Stands in where a call comes although nobody takes any. */
export const noMethods: MethodHandler = async () => {
  throw new Error('nobody takes method calls here')
}
