import {
  type Clock,
  type Identity,
  type IdentityRecord,
  type IdentitySource,
  sameIdentity,
  systemClock,
} from '@edgewright/core'
import { formatSasAudience, percentEncode } from '@edgewright/protocol'
import { offline, refused, throttled, unauthorized } from './errors.js'
import { parseScopePage, type ScopePage } from './identity-record.js'
import { withDeadline } from './network/deadline.js'
import { httpsRequest, type HttpsResponse } from './network/https-request.js'
import { openTcpThroughProxy } from './network/proxy.js'
import { type Network, openTcpDirectly, type StreamTarget, trusting } from './network/tls-stream.js'
import type { TokenSource } from './options.js'
import { failureText, parseJson } from './twin-document.js'

/** Where the hub's registry is, and who asks. */
export interface IotHubIdentitySourceOptions {
  /** Host of the hub: dialled unless `gatewayHost` is given, and named in tokens. */
  readonly host: string
  /** A parent gateway to dial in the hub's place. */
  readonly gatewayHost?: string | undefined
  /** @default 443 */
  readonly port?: number | undefined
  /** PEM of authorities to trust besides those that Node trusts. */
  readonly ca?: string | undefined
  /** HTTP proxy, `http://user:password@host:port`. @default none */
  readonly proxy?: string | undefined
  /** The gateway's own device; its `$edgeHub` is who asks. */
  readonly deviceId: string
  readonly token: TokenSource
  /** @default the machine's clock */
  readonly clock?: Clock | undefined
  /** Devices asked for at once. @default 100 */
  readonly pageSize?: number | undefined
  /** Milliseconds for one call. @default 20,000 */
  readonly timeout?: number | undefined
}

/** What holds where {@link IotHubIdentitySourceOptions} says nothing. */
export const IDENTITY_SOURCE_DEFAULTS = Object.freeze({ port: 443, pageSize: 100, timeout: 20_000 })

const API_VERSION = '2018-08-30-preview'
const TOKEN_LIFETIME = 3_600_000
/** Pages of one listing; more are taken for a link that leads in circles. */
const MAX_PAGES = 10_000

/** How the registry is reached. */
interface Way {
  readonly network: Network
  readonly target: StreamTarget
}

/** The identities in a gateway's scope, as IoT Hub's registry has them. Errors as `CloudSession`. */
export class IotHubIdentitySource implements IdentitySource {
  readonly #options: IotHubIdentitySourceOptions
  readonly #self: Identity
  readonly #clock: Clock
  #way: Way | undefined

  constructor(options: IotHubIdentitySourceOptions) {
    this.#options = options
    this.#self = { deviceId: options.deviceId, moduleId: '$edgeHub' }
    this.#clock = options.clock ?? systemClock
  }

  async *list(signal?: AbortSignal): AsyncIterable<IdentityRecord> {
    const count = this.#options.pageSize ?? IDENTITY_SOURCE_DEFAULTS.pageSize
    const first = `devicesAndModulesInDeviceScope?deviceCount=${count}&continuationToken=&api-version=${API_VERSION}`
    let path: string | undefined = this.#path(first)
    for (let pages = 0; path !== undefined; pages++) {
      if (pages >= MAX_PAGES) throw refused('the listing of the scope does not end')
      const { records, next } = this.#page(await this.#get(path, signal))
      yield* records
      path = next === undefined ? undefined : pathOf(next)
    }
  }

  async get(identity: Identity, signal?: AbortSignal): Promise<IdentityRecord | undefined> {
    const module = identity.moduleId === undefined ? '' : `&targetModuleId=${percentEncode(identity.moduleId)}`
    const target = `targetDeviceId=${percentEncode(identity.deviceId)}${module}`
    const call = `deviceAndModuleInDeviceScope?${target}&api-version=${API_VERSION}`
    const response = await this.#get(this.#path(call), signal)
    if (NOT_IN_SCOPE.has(response.status)) return undefined
    return this.#page(response).records.find(record => sameIdentity(record.identity, identity))
  }

  #path(call: string): string {
    return `/devices/${percentEncode(this.#options.deviceId)}/modules/%24edgeHub/${call}`
  }

  async #get(path: string, signal: AbortSignal | undefined): Promise<HttpsResponse> {
    const { host, timeout = IDENTITY_SOURCE_DEFAULTS.timeout } = this.#options
    const expiresAt = this.#clock.now() + TOKEN_LIFETIME
    const authorization = await this.#options.token(this.#self, formatSasAudience(host, this.#self), expiresAt)
    const { network, target } = (this.#way ??= this.#findWay(timeout))
    const request = { method: 'GET' as const, path, headers: { authorization, host, accept: 'application/json' } }
    const deadline = {
      clock: this.#clock,
      delay: timeout,
      expired: () => offline('no answer about the scope'),
      signals: [signal],
    }
    return withDeadline(deadline, inner => httpsRequest(network, target, request, inner)).catch(error => {
      throw signal?.aborted ? signal.reason : offline(error.message, error)
    })
  }

  #findWay(timeout: number): Way {
    const { host, gatewayHost = host, port = IDENTITY_SOURCE_DEFAULTS.port, ca, proxy } = this.#options
    const openTcp = proxy === undefined ? openTcpDirectly : openTcpThroughProxy(proxy)
    return {
      network: { clock: this.#clock, timeouts: { connect: timeout, handshake: timeout }, openTcp },
      target: { host: gatewayHost, port, trust: trusting(ca) },
    }
  }

  #page({ status, body }: HttpsResponse): ScopePage {
    if (status === 200) {
      const page = parseScopePage(parseJson(body))
      if (page === undefined) throw offline('the answer about the scope cannot be read')
      return page
    }
    const detail = failureText(status, body)
    if (status === 401) throw unauthorized(this.#self, detail)
    if (status === 429) throw throttled(detail)
    throw NOT_IN_SCOPE.has(status) ? refused(detail) : offline(detail)
  }
}

/** What the hub answers for an identity that does not exist, or is not of this gateway's scope. */
const NOT_IN_SCOPE: ReadonlySet<number> = new Set([400, 403, 404])

/** A link to the next page comes as a path, or as a whole address whose host does not count. */
function pathOf(link: string): string {
  const { pathname, search } = new URL(link, 'https://hub')
  return `${pathname}${search}`
}
