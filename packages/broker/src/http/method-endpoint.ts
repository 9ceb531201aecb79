import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  type Authentication,
  type Authenticator,
  type Credentials,
  describeError,
  EdgewrightError,
  type Identity,
  identityKey,
  type Logger,
  type MethodInvoker,
  type MethodRequest,
} from '@edgewright/core'
import { peerOf } from '../listener/listener.js'
import type { LoginThrottle } from '../login/login-throttle.js'
import { BadRequest, METHOD_LIMITS, parseCaller, parseMethodBody, parseMethodPath } from './method-request.js'

/** What a {@link MethodEndpoint} works with. */
export interface MethodEndpointComponents {
  readonly host: Authenticator
  readonly invoker: MethodInvoker
  readonly throttle: LoginThrottle
  readonly logger: Logger
}

/** Lets modules call methods of one another over HTTP. Source: wire reference, section 5. */
export class MethodEndpoint {
  readonly #parts: MethodEndpointComponents

  constructor(components: MethodEndpointComponents) {
    this.#parts = components
  }

  /** Answers one request. @returns false, and does nothing, when the path is not one of a method */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const target = parseMethodPath(request.url ?? '')
    if (target === undefined) return false
    this.#answer(target, request, response).catch(error => {
      this.#parts.logger.log('error', 'a method call failed', { error })
      reply(response, 500, { message: 'Internal error' })
    })
    return true
  }

  async #answer(target: Identity, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST') return reply(response, 405, { message: 'Only POST is allowed' }, { allow: 'POST' })
    const caller = parseCaller(request.headers['x-ms-edge-moduleid'])
    if (caller === undefined) return reply(response, 400, { message: 'x-ms-edge-moduleId must be {device}/{module}' })
    const verdict = await this.#authenticate(caller, request)
    if (!verdict.accepted) return this.#refuse(caller, verdict.reason, verdict.detail, request, response)
    const body = await readBody(request)
    if (body === undefined) return reply(response, 413, { message: 'The body is too long' }, { connection: 'close' })
    const method = parseMethodBody(body)
    if (method instanceof BadRequest) return reply(response, 400, { message: method.message })
    await this.#invoke(caller, target, method, response)
  }

  #authenticate(caller: Identity, request: IncomingMessage): Authentication | Promise<Authentication> {
    const credentials = readCredentials(caller, request)
    return credentials === undefined
      ? { accepted: false, reason: 'malformed', detail: 'neither an Authorization header nor a client certificate' }
      : this.#parts.host.authenticate(credentials)
  }

  #refuse(caller: Identity, reason: string, detail: string, request: IncomingMessage, response: ServerResponse): void {
    const { logger, throttle } = this.#parts
    const { address } = peerOf(request.socket)
    logger.log('warn', 'method caller refused', { client: identityKey(caller), peer: address, reason, detail })
    throttle.refuse(
      address,
      () => reply(response, 401, { message: 'Unauthorized' }, { connection: 'close' }),
      () => request.socket.destroy(),
    )
  }

  async #invoke(caller: Identity, target: Identity, method: MethodRequest, response: ServerResponse): Promise<void> {
    const gone = new AbortController()
    response.once('close', () => gone.abort(new Error('the caller has left')))
    try {
      const { status, payload = null } = await this.#parts.invoker.invokeMethod(caller, target, method, gone.signal)
      reply(response, 200, { status, payload })
    } catch (error) {
      const status = EdgewrightError.is(error) ? STATUS_BY_CODE[error.code] : undefined
      this.#parts.logger.log('info', 'a method call was not answered', {
        caller: identityKey(caller),
        target: identityKey(target),
        method: method.name,
        reason: describeError(error),
      })
      const message = status === undefined ? 'Internal error' : (error as EdgewrightError).message
      reply(response, status ?? 500, { message })
    }
  }
}

const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  METHOD_NOT_ALLOWED: 401,
  METHOD_NO_CLIENT: 404,
  METHOD_LIMIT: 429,
  METHOD_TIMEOUT: 504,
  NOT_RUNNING: 503,
}

function readCredentials(identity: Identity, request: IncomingMessage): Credentials | undefined {
  const { address: peer, certificate, issuers } = peerOf(request.socket)
  const token = request.headers.authorization
  if (token !== undefined) return { kind: 'sas', identity, token, peer }
  return certificate === undefined ? undefined : { kind: 'certificate', identity, certificate, issuers, peer }
}

/** Undefined when it is longer than any request may be. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > METHOD_LIMITS.maxBodyBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function reply(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  if (response.headersSent || response.destroyed) return
  const content = Buffer.from(JSON.stringify(body))
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': content.length,
    'x-content-type-options': 'nosniff',
    ...headers,
  })
  response.end(content)
}
