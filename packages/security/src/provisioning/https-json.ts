import { type Agent, request } from 'node:https'
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls'
import type { Clock, JsonValue } from '@edgewright/core'
import { exchangeJson, type JsonAnswer } from '../json-exchange.js'

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

const DEFAULT_TIMEOUT = 30_000

/** Asks a service over HTTPS. Rejects when there is no answer in time, or one that is too long. */
export async function requestJson(
  { host, port = 443, ca, agent, timeout = DEFAULT_TIMEOUT }: CloudService,
  { method, path, headers, body, clientCertificate }: JsonRequest,
  clock: Clock,
  signal?: AbortSignal,
): Promise<JsonAnswer> {
  const secureContext = contextOf(ca, clientCertificate)
  const target = { host, port, secureContext, agent: agent ?? false, method, path, headers }
  return await exchangeJson(within => request({ ...target, signal: within }), body, { clock, timeout, signal })
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
