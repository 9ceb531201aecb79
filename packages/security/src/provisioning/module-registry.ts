import {
  type Clock,
  EdgewrightError,
  type Identity,
  type IdentityAuthentication,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  systemClock,
} from '@edgewright/core'
import { percentEncode } from '@edgewright/protocol'
import { type ClientCertificate, type CloudService, requestJson } from './https-json.js'
import type { JsonAnswer } from '../json-exchange.js'

/** How the device proves to the registry that it is itself. */
export type RegistryCredential =
  /** Gives a token of the device, made for each call. */
  | { readonly kind: 'token'; readonly token: (signal?: AbortSignal) => string | Promise<string> }
  | ({ readonly kind: 'certificate' } & ClientCertificate)

/** Which registry, and whose modules. */
export interface ModuleRegistryOptions extends CloudService {
  readonly deviceId: string
  readonly credential: RegistryCredential
  readonly clock?: Clock | undefined
}

/** A module as the cloud's registry has it. */
export interface RegisteredModule {
  readonly moduleId: string
  /** Changes when a module is removed and made again under the same name. */
  readonly generationId: string
  /** Who deploys it; `IotEdge` for modules of a deployment. */
  readonly managedBy?: string | undefined
  readonly authentication: IdentityAuthentication
}

/** Keys of a module, Base64. */
export interface ModuleKeys {
  readonly primaryKey: string
  readonly secondaryKey: string
}

const API_VERSION = '2021-04-12'

/** Keys that the registry is to make. */
const NO_KEYS: ModuleKeys = Object.freeze({ primaryKey: '', secondaryKey: '' })

/** Who deploys modules of an edge deployment, in the registry's words. */
export const MANAGED_BY_EDGE = 'IotEdge'

/**
 * The modules of one device in the cloud's registry, which a device may manage itself. Source: IoT Hub REST API,
 * "Modules".
 *
 * Errors: `REGISTRY_UNAVAILABLE` when there is no usable answer now, `REGISTRY_REFUSED` when the cloud says no.
 */
export class ModuleRegistry {
  readonly #options: ModuleRegistryOptions
  readonly #clock: Clock

  constructor(options: ModuleRegistryOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  /** Every module of the device. */
  async list(signal?: AbortSignal): Promise<readonly RegisteredModule[]> {
    const { body } = await this.#call('GET', undefined, {}, signal)
    if (!Array.isArray(body)) throw this.#unavailable(undefined, new TypeError('the answer is no list'))
    return body.map(json => this.#module(json))
  }

  /** One module; undefined when there is none. */
  async get(moduleId: string, signal?: AbortSignal): Promise<RegisteredModule | undefined> {
    const { status, body } = await this.#call('GET', moduleId, { accept: [404] }, signal)
    return status === 404 ? undefined : this.#module(body, moduleId)
  }

  /** Makes a module, with keys that the registry makes; one that exists already is given as it is. */
  async create(moduleId: string, signal?: AbortSignal): Promise<RegisteredModule> {
    const { status, body } = await this.#call('PUT', moduleId, { accept: [409], keys: NO_KEYS }, signal)
    if (status !== 409) return this.#module(body, moduleId)
    const found = await this.get(moduleId, signal)
    if (found === undefined) throw this.#unavailable(moduleId, new Error('it exists and cannot be found'))
    return found
  }

  /** Gives a module other keys. */
  async setKeys(moduleId: string, keys: ModuleKeys, signal?: AbortSignal): Promise<RegisteredModule> {
    const { body } = await this.#call('PUT', moduleId, { keys, headers: { 'If-Match': '*' } }, signal)
    return this.#module(body, moduleId)
  }

  /** Removes a module; one that is not there is no error. */
  async remove(moduleId: string, signal?: AbortSignal): Promise<void> {
    await this.#call('DELETE', moduleId, { accept: [404], headers: { 'If-Match': '*' } }, signal)
  }

  async #call(
    method: 'GET' | 'PUT' | 'DELETE',
    moduleId: string | undefined,
    { keys, headers = {}, accept = [] }: CallOptions,
    signal: AbortSignal | undefined,
  ): Promise<JsonAnswer> {
    const { deviceId, credential } = this.#options
    const module = moduleId === undefined ? '' : `/${percentEncode(moduleId)}`
    const path = `/devices/${percentEncode(deviceId)}/modules${module}?api-version=${API_VERSION}`
    const body = keys === undefined ? undefined : moduleJson({ deviceId, moduleId }, keys)
    const request =
      credential.kind === 'token'
        ? { method, path, body, headers: { Authorization: await credential.token(signal), ...headers } }
        : { method, path, body, headers, clientCertificate: credential }
    const answer = await requestJson(this.#options, request, this.#clock, signal).catch(cause => {
      throw signal?.aborted ? cause : this.#unavailable(moduleId, cause)
    })
    const { status } = answer
    if ((status >= 200 && status < 300) || accept.includes(status)) return answer
    if (status >= 500 || status === 429) throw this.#unavailable(moduleId, new Error(`the answer is ${status}`))
    throw new EdgewrightError('REGISTRY_REFUSED', `The cloud's registry answered ${status}`, {
      place: this.#place(moduleId),
      remedy: 'Check the credentials of the device, and that it is an enabled edge device.',
    })
  }

  #module(json: JsonValue, expected?: string): RegisteredModule {
    const { moduleId, generationId, managedBy, authentication } = isJsonObject(json) ? json : {}
    if (typeof moduleId !== 'string' || typeof generationId !== 'string' || (expected ?? moduleId) !== moduleId) {
      throw this.#unavailable(expected, new TypeError('the answer is no module'))
    }
    return {
      moduleId,
      generationId,
      managedBy: typeof managedBy === 'string' && managedBy !== '' ? managedBy : undefined,
      authentication: authenticationOf(isJsonObject(authentication) ? authentication : {}),
    }
  }

  #unavailable(moduleId: string | undefined, cause: unknown): EdgewrightError {
    return new EdgewrightError('REGISTRY_UNAVAILABLE', `The cloud's registry cannot be used now`, {
      place: this.#place(moduleId),
      remedy: 'It is tried again with the next operation; check the link to the cloud.',
      cause,
    })
  }

  #place(moduleId: string | undefined): string {
    const { host, deviceId } = this.#options
    return `${host}: ${deviceId}${moduleId === undefined ? '' : `/${moduleId}`}`
  }
}

interface CallOptions {
  /** Of the module to be written. */
  readonly keys?: ModuleKeys
  readonly headers?: Readonly<Record<string, string>>
  /** Statuses that say something other than failure. */
  readonly accept?: readonly number[]
}

function moduleJson({ deviceId, moduleId = '' }: Identity, { primaryKey, secondaryKey }: ModuleKeys): JsonValue {
  const authentication = { type: 'sas', symmetricKey: { primaryKey, secondaryKey } }
  return { deviceId, moduleId, managedBy: MANAGED_BY_EDGE, authentication }
}

function authenticationOf({ type, symmetricKey, x509Thumbprint }: JsonObject): IdentityAuthentication {
  const keys = isJsonObject(symmetricKey) ? symmetricKey : {}
  const thumbprints = isJsonObject(x509Thumbprint) ? x509Thumbprint : {}
  if (type === 'sas') {
    return { type: 'symmetricKey', primaryKey: text(keys.primaryKey), secondaryKey: text(keys.secondaryKey) }
  }
  if (type === 'selfSigned') {
    const { primaryThumbprint, secondaryThumbprint } = thumbprints
    return { type: 'thumbprint', primary: text(primaryThumbprint), secondary: text(secondaryThumbprint) }
  }
  return { type: type === 'certificateAuthority' ? 'certificateAuthority' : 'none' }
}

function text(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : ''
}
