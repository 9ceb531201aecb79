import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { type Clock, type Logger, sleep } from '@edgewright/core'
import type { RequestFate } from '../faults/faults.js'
import type { Authority, Principal } from '../state/authority.js'
import { HubError, type RefusalName } from '../state/hub-error.js'
import { peerChain } from '../network/peer-chain.js'
import { matchRoute, type HttpResponse, type Route, type RouteMatch } from './router.js'

/** The most a request body may hold, in bytes: a bulk call on a hundred devices stays well below. */
export const MAX_REQUEST_BYTES = 4_194_304

/** What the HTTP head works with. */
export interface HttpServerOptions {
  readonly routes: readonly Route[]
  readonly authority: Authority
  readonly logger: Logger
  readonly clock: Clock
  /** What becomes of a request. @throws what it is refused with */
  readonly fate: (principal: Principal) => RequestFate
}

/** Takes requests of an HTTP server to their routes. */
export function serveHttp(options: HttpServerOptions): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    answer(request, options).then(
      result => result !== undefined && write(response, result),
      error => write(response, failure(error, request, options.logger)),
    )
  }
}

/** @returns undefined when there is nobody to answer any more, or nothing is to be said */
async function answer(request: IncomingMessage, options: HttpServerOptions): Promise<HttpResponse | undefined> {
  const { method = 'GET', url = '/', headers } = request
  const [path = '/', search = ''] = url.split('?', 2)
  const match = matchRoute(options.routes, method, path)
  if (match?.route.guard === 'control') {
    if (!isLocal(request) && !isOwner(authenticate(request, match, options))) throw unauthorized()
  } else {
    const principal = authenticate(request, match, options)
    const fate = options.fate(principal)
    if (fate.kind === 'drop') request.socket.destroy()
    if (fate.kind !== 'answer') return undefined
    if (fate.after > 0) await sleep(options.clock, fate.after)
    if (match !== undefined && !match.route.guard(principal, match.params)) throw unauthorized()
  }
  if (match === undefined) throw new HubError('NotFound', `There is no ${method} ${path}`)
  const body = await readBody(request)
  return match.route.handle({ method, params: match.params, query: new URLSearchParams(search), headers, body })
}

function isLocal({ socket }: IncomingMessage): boolean {
  return /^(?:::ffff:)?127\.|^::1$/.test(socket.remoteAddress ?? '')
}

function isOwner(principal: Principal): boolean {
  return principal.kind === 'policy' && principal.path.length === 0 && principal.permissions.includes('RegistryWrite')
}

function unauthorized(): HubError {
  return new HubError('IotHubUnauthorizedAccess', 'Unauthorized')
}

/** By token; without one, by the certificate of the device that the path names. */
function authenticate(
  { headers: { authorization }, socket }: IncomingMessage,
  match: RouteMatch | undefined,
  { authority, logger }: HttpServerOptions,
): Principal {
  const deviceId = match?.params.d
  const principal =
    authorization === undefined && deviceId !== undefined
      ? authority.certificate(peerChain(socket as TLSSocket)[0], { deviceId })
      : authority.token(authorization ?? '')
  if (principal.kind !== 'refused') return principal
  const { reason, claimed } = principal
  logger.log('info', 'HTTP request refused', { reason, claimed })
  throw unauthorized()
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_REQUEST_BYTES) throw new HubError('MessageTooLarge', `A request may hold ${MAX_REQUEST_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function failure(error: unknown, request: IncomingMessage, logger: Logger): HttpResponse {
  const refusal = HubError.from(error)
  if (refusal !== error) logger.log('error', 'HTTP request failed', { method: request.method, url: request.url, error })
  const trackingId = randomUUID()
  const { refusal: name, number: errorCode, message } = refusal
  // Failed method calls are told in JSON within JSON, everything else in a form of its own.
  const Message = METHOD_FAILURES.has(name)
    ? JSON.stringify({ errorCode, trackingId, message, info: {} })
    : `ErrorCode:${name};${message}`
  return {
    status: refusal.status,
    headers: { 'iothub-errorcode': name },
    json: { Message, ExceptionMessage: `Tracking ID:${trackingId}` },
  }
}

const METHOD_FAILURES: ReadonlySet<RefusalName> = new Set(['DeviceNotOnline', 'GatewayTimeout'])

function write(response: ServerResponse, { status, headers, json, body }: HttpResponse): void {
  const bytes = json === undefined ? (body ?? Buffer.alloc(0)) : Buffer.from(JSON.stringify(json), 'utf8')
  response.writeHead(status, {
    ...(json === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' }),
    'content-length': bytes.byteLength,
    ...headers,
  })
  response.end(bytes)
}
