import { randomUUID } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { Clock, JsonObject, Logger } from '@edgewright/core'
import { percentDecode } from '@edgewright/protocol'
import type { Registry } from '../state/registry.js'
import { attest, type Evidence } from './attestation.js'
import { Enrollments } from './enrollments.js'
import { peerChain } from '../network/peer-chain.js'
import { Registrations } from './registrations.js'

/** What the provisioning service stands on. */
export interface ProvisioningOptions {
  /** @default '0ne00000000' */
  readonly idScope?: string | undefined
  readonly registry: () => Registry
  /** The hub that devices are assigned to. */
  readonly hubName: string
  readonly clock: Clock
  readonly logger: Logger
}

/** What is asked of the provisioning service. */
interface Call {
  readonly registrationId: string
  /** Below the registration: nothing, `register`, or `operations/` and an id. */
  readonly rest: string
}

interface Answer {
  readonly status: number
  readonly json: JsonObject
  readonly headers?: Readonly<Record<string, string>>
}

/** Seconds that clients are asked to wait for the outcome. */
const RETRY_AFTER = '1'

/**
 * The Device Provisioning Service beside the hub, on the same HTTPS port: devices that are enrolled here get to know
 * their hub. Source: Device Provisioning Service REST API, "Runtime Registration".
 */
export class Provisioning {
  /** What devices must name to be looked for here. */
  readonly idScope: string
  /** Who may register. Kept in memory. */
  readonly enrollments = new Enrollments()
  readonly #registrations: Registrations
  readonly #clock: Clock
  readonly #logger: Logger

  constructor({ idScope = '0ne00000000', registry, hubName, clock, logger }: ProvisioningOptions) {
    this.idScope = idScope
    this.#clock = clock
    this.#logger = logger
    this.#registrations = new Registrations({ registry, hubName, now: () => clock.now() })
  }

  /** Serves what is the provisioning service's, and leaves everything else to another. */
  before(serve: RequestListener): RequestListener {
    return (request, response) => {
      const call = this.#callOf(request)
      if (call === undefined) return serve(request, response)
      request.resume()
      write(response, this.#answer(call, request))
    }
  }

  #callOf({ url = '' }: IncomingMessage): Call | undefined {
    const path = url.split('?', 1)[0] as string
    const [, scope = '', id = '', rest = ''] = /^\/([^/]+)\/registrations\/([^/]+)(?:\/(.*))?$/.exec(path) ?? []
    const [idScope, registrationId] = [percentDecode(scope), percentDecode(id)]
    return idScope === this.idScope && registrationId ? { registrationId, rest } : undefined
  }

  #answer({ registrationId, rest }: Call, request: IncomingMessage): Answer {
    const evidence: Evidence = {
      idScope: this.idScope,
      registrationId,
      token: request.headers.authorization,
      chain: peerChain(request.socket as TLSSocket),
      now: this.#clock.now(),
    }
    const found = this.#find(evidence)
    if (found === undefined) {
      this.#logger.log('info', 'Registration refused', { registration: registrationId })
      return this.#failure(401, 401002, 'Unauthorized')
    }
    const [place, id = ''] = rest.split('/', 2)
    if (request.method === 'PUT' && rest === 'register') {
      const operationId = this.#registrations.begin(registrationId, found.enrollment, found.authentication)
      const headers = { 'retry-after': RETRY_AFTER }
      return { status: 202, headers, json: { operationId, status: 'assigning' } }
    }
    if (request.method === 'GET' && place === 'operations') {
      const operationId = percentDecode(id) ?? ''
      const registrationState = this.#registrations.outcome(registrationId, operationId)
      if (registrationState === undefined) return this.#failure(404, 404202, 'Operation not found.')
      return { status: 200, json: { operationId, status: 'assigned', registrationState } }
    }
    if (request.method === 'POST' && rest === '') {
      const state = this.#registrations.state(registrationId)
      return state === undefined ? this.#failure(404, 404201, 'Registration not found.') : { status: 200, json: state }
    }
    return this.#failure(404, 404000, 'Not found.')
  }

  #find(evidence: Evidence) {
    for (const enrollment of this.enrollments.candidates(evidence.registrationId)) {
      const authentication = attest(enrollment, evidence)
      if (authentication !== undefined) return { enrollment, authentication }
    }
    return undefined
  }

  #failure(status: number, errorCode: number, message: string): Answer {
    const timestampUtc = new Date(this.#clock.now()).toISOString()
    return { status, json: { errorCode, trackingId: randomUUID(), message, timestampUtc } }
  }
}

function write(response: ServerResponse, { status, json, headers }: Answer): void {
  const body = Buffer.from(JSON.stringify(json))
  const type = 'application/json; charset=utf-8'
  response.writeHead(status, { 'content-type': type, 'content-length': body.byteLength, ...headers })
  response.end(body)
}
