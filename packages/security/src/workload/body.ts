import type { IncomingMessage } from 'node:http'
import type { Clock, JsonValue } from '@edgewright/core'
import type { WorkloadLimits } from './limits.js'
import { WorkloadRefusal } from './answer.js'

/** Everything a request carries, if it is short enough and comes in time. */
export function readBody(
  request: IncomingMessage,
  { maxBodyBytes, bodyTimeout }: Pick<Required<WorkloadLimits>, 'maxBodyBytes' | 'bodyTimeout'>,
  clock: Clock,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const timer = clock.after(bodyTimeout, () => end(() => reject(new WorkloadRefusal(408, 'the body took too long'))))
    const end = (settle: () => void) => {
      timer.cancel()
      request.removeAllListeners('data')
      settle()
    }
    request.on('data', (chunk: Buffer) => {
      size += chunk.byteLength
      if (size <= maxBodyBytes) chunks.push(chunk)
      else end(() => reject(new WorkloadRefusal(413, `a body may hold ${maxBodyBytes} bytes`)))
    })
    request.on('end', () => end(() => resolve(Buffer.concat(chunks, size))))
    request.on('error', error => end(() => reject(error)))
    request.on('close', () => end(() => reject(new WorkloadRefusal(400, 'the body ended early'))))
  })
}

/**
 * The JSON of a body. One without a content type is JSON (the Python client names none); one of another type counts as
 * no body for POST and is refused for PUT. Source: agent reference, section 7.1.
 */
export function parseBody(body: Buffer, method: string, contentType: string | undefined): JsonValue | undefined {
  const isJson = contentType === undefined || contentType.split(';', 1)[0]!.trim() === 'application/json'
  if (method === 'PUT' && !isJson) throw new WorkloadRefusal(415, 'request body must be application/json')
  if (!isJson || (body.byteLength === 0 && method !== 'PUT')) return undefined
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    throw new WorkloadRefusal(422, 'the body is not JSON')
  }
}
