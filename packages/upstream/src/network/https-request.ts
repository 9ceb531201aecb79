import { request as httpRequest } from 'node:http'
import { NetworkFailure, networkFailure } from './failure.js'
import { type Network, openTlsStream, type StreamTarget } from './tls-stream.js'

/** The most an answer may hold, in bytes. */
export const MAX_RESPONSE_BYTES = 8_388_608

/** What to ask for. */
export interface HttpsRequest {
  readonly method: 'GET' | 'POST'
  /** Path and query, encoded. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

/** What was answered. */
export interface HttpsResponse {
  readonly status: number
  readonly body: Buffer
}

/**
 * Asks once, over a stream of its own.
 *
 * @throws NetworkFailure, or the signal's reason
 */
export async function httpsRequest(
  network: Network,
  target: StreamTarget,
  { method, path, headers }: HttpsRequest,
  signal: AbortSignal,
): Promise<HttpsResponse> {
  const stream = await openTlsStream(network, { ...target, alpn: ['http/1.1'] }, signal)
  try {
    return await new Promise((resolve, reject) => {
      const options = {
        host: target.host,
        port: target.port,
        method,
        path,
        headers,
        signal,
        createConnection: () => stream,
      }
      const request = httpRequest(options, response => {
        const chunks: Buffer[] = []
        let size = 0
        response
          .on('data', (chunk: Buffer) => {
            chunks.push(chunk)
            size += chunk.byteLength
            if (size > MAX_RESPONSE_BYTES)
              request.destroy(new NetworkFailure('protocol-error', 'the answer is too long'))
          })
          .on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks, size) }))
          .on('error', reject)
      })
      request.on('error', reject).end()
    })
  } catch (error) {
    throw signal.aborted ? signal.reason : networkFailure(error)
  } finally {
    stream.destroy()
  }
}
