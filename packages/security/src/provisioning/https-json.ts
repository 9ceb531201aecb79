import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { type Agent, request } from 'node:https'
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls'
import type { Clock, JsonValue } from '@edgewright/core'

/** A service of the cloud. */
export interface CloudService {
  readonly host: string
  /** @default 443 */
  readonly port?: number | undefined
  /** PEM of authorities to trust besides the public ones. */
  readonly ca?: string | undefined
  /** Makes the connections, such as through a proxy. @default one connection a request */
  readonly agent?: Agent | undefined
  /** Milliseconds from the request to the end of the answer. @default 30,000 */
  readonly timeout?: number | undefined
}

/** The certificate that this device shows, PEM. */
export interface ClientCertificate {
  /** The certificate, then its issuers without the root. */
  readonly certificate: string
  /** Without a pass phrase. */
  readonly privateKey: string
}

/** One question to a service. */
export interface JsonRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  /** With query, encoded. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: JsonValue | undefined
  /** Shown in the TLS handshake; absent: none. */
  readonly clientCertificate?: ClientCertificate | undefined
}

/** What the service answered, whatever its status. */
export interface JsonAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Null when there was nothing, or nothing that is JSON. */
  readonly body: JsonValue
}

/** The most that an answer may hold, in bytes: all modules of a device stay well below. */
const MAX_ANSWER_BYTES = 1_048_576
const DEFAULT_TIMEOUT = 30_000

/** Asks a service over HTTPS. Rejects when there is no answer in time, or one that is too long. */
export async function requestJson(
  { host, port = 443, ca, agent, timeout = DEFAULT_TIMEOUT }: CloudService,
  { method, path, headers, body, clientCertificate }: JsonRequest,
  clock: Clock,
  signal?: AbortSignal,
): Promise<JsonAnswer> {
  signal?.throwIfAborted()
  const overdue = new AbortController()
  const timer = clock.after(timeout, () => overdue.abort(new Error('no answer in time')))
  const either = signal === undefined ? overdue.signal : AbortSignal.any([signal, overdue.signal])
  try {
    const secureContext = contextOf(ca, clientCertificate)
    return await new Promise((resolve, reject) => {
      const tls = { host, port, secureContext, agent: agent ?? false }
      const outgoing = request({ ...tls, method, path, headers, signal: either })
      outgoing.on('error', reject)
      outgoing.on('response', incoming => readAnswer(incoming).then(resolve, reject))
      if (body !== undefined) outgoing.setHeader('content-type', 'application/json; charset=utf-8')
      outgoing.end(body === undefined ? undefined : JSON.stringify(body))
    })
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    throw overdue.signal.aborted ? overdue.signal.reason : error
  } finally {
    timer.cancel()
  }
}

/** Reading all public authorities takes tens of milliseconds, so the last few contexts are kept. */
const CONTEXTS = new Map<string, SecureContext>()
const MOST_CONTEXTS = 4

function contextOf(ca: string | undefined, shown: ClientCertificate | undefined): SecureContext {
  const name = [ca, shown?.certificate, shown?.privateKey].join('\n\n')
  const known = CONTEXTS.get(name)
  if (known !== undefined) return known
  const [oldest] = CONTEXTS.keys()
  if (CONTEXTS.size >= MOST_CONTEXTS) CONTEXTS.delete(oldest!)
  const made = createSecureContext({
    ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }),
    ...{ cert: shown?.certificate, key: shown?.privateKey, minVersion: 'TLSv1.2' },
  })
  CONTEXTS.set(name, made)
  return made
}

async function readAnswer(incoming: IncomingMessage): Promise<JsonAnswer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.byteLength
    if (size > MAX_ANSWER_BYTES) throw new RangeError('the answer is too long')
    chunks.push(chunk)
  }
  const { statusCode: status = 0, headers } = incoming
  return { status, headers, body: parsed(Buffer.concat(chunks).toString('utf8')) }
}

function parsed(text: string): JsonValue {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
