import { request } from 'node:http'
import { type Clock, EdgewrightError, isJsonObject, type JsonValue, type Signer, systemClock } from '@edgewright/core'
import { percentEncode } from '@edgewright/protocol'
import { exchangeJson, type JsonAnswer } from '../json-exchange.js'

/** Which key service to ask. */
export interface KeyServiceSignerOptions {
  /** Its Unix socket, such as `/run/aziot/keyd.sock`. */
  readonly socketPath: string
  /** Milliseconds that one question may take. @default 10,000 */
  readonly timeout?: number | undefined
  /** Questions at the same time; more wait. The original takes ten. @default 4 */
  readonly concurrency?: number | undefined
  readonly clock?: Clock | undefined
}

/** What holds where {@link KeyServiceSignerOptions} says nothing. */
export const KEY_SERVICE_DEFAULTS = Object.freeze({ timeout: 10_000, concurrency: 4 })

const API_VERSION = '2021-05-01'
const SIGNATURE_BYTES = 32
/** Names of keys whose handles are remembered. */
const MAX_HANDLES = 1_000

/**
 * Signs with keys that another process keeps, in a hardware security module or a TPM: neither a key nor the PIN that
 * opens it is ever in this process. It speaks with `aziot-keyd` of the IoT Identity Service, and with anything that
 * answers two calls as that does (`GET /key/{id}` and `POST /sign`, its interface 2021-05-01).
 *
 * Errors: `KEY_NOT_FOUND`; `SIGNER_UNAVAILABLE` when the service cannot be reached or gives no signature.
 */
export class KeyServiceSigner implements Signer {
  readonly #options: KeyServiceSignerOptions
  readonly #handles = new Map<string, string>()
  readonly #waiting: (() => void)[] = []
  #free: number

  constructor(options: KeyServiceSignerOptions) {
    this.#options = options
    this.#free = options.concurrency ?? KEY_SERVICE_DEFAULTS.concurrency
  }

  async sign(keyId: string, data: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    signal?.throwIfAborted()
    await this.#turn()
    try {
      const known = this.#handles.get(keyId)
      const signature = known === undefined ? undefined : await this.#signWith(known, data, signal)
      if (signature !== undefined) return signature
      // A handle may have been of a service that has started anew since.
      const handle = await this.#load(keyId, signal)
      const again = await this.#signWith(handle, data, signal)
      if (again !== undefined) return again
      throw this.#unavailable('it does not sign with the key')
    } finally {
      this.#free += 1
      this.#waiting.shift()?.()
    }
  }

  async #turn(): Promise<void> {
    while (this.#free === 0) await new Promise<void>(resolve => this.#waiting.push(resolve))
    this.#free -= 1
  }

  async #load(keyId: string, signal: AbortSignal | undefined): Promise<string> {
    this.#handles.delete(keyId)
    const { status, body } = await this.#ask('GET', `/key/${percentEncode(keyId)}`, undefined, signal)
    if (status >= 400 && status < 500) {
      throw new EdgewrightError('KEY_NOT_FOUND', `The key service has no key "${keyId}"`, {
        place: this.#options.socketPath,
        remedy: 'Put the key into the service, and let this user use it.',
      })
    }
    const handle = isJsonObject(body) ? body.keyHandle : undefined
    if (status !== 200 || typeof handle !== 'string') throw this.#unavailable(`the answer is ${status}`)
    if (this.#handles.size >= MAX_HANDLES) this.#handles.clear()
    this.#handles.set(keyId, handle)
    return handle
  }

  /** @returns undefined when the service does not take the handle */
  async #signWith(keyHandle: string, data: Uint8Array, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const message = Buffer.from(data).toString('base64')
    const question = { keyHandle, algorithm: 'HMAC-SHA256', parameters: { message } }
    const { status, body } = await this.#ask('POST', '/sign', question, signal)
    if (status >= 400 && status < 500) return undefined
    const signature = isJsonObject(body) && typeof body.signature === 'string' ? body.signature : ''
    const bytes = Buffer.from(signature, 'base64')
    if (status !== 200 || bytes.byteLength !== SIGNATURE_BYTES) throw this.#unavailable(`the answer is ${status}`)
    return bytes
  }

  async #ask(
    method: 'GET' | 'POST',
    path: string,
    body: JsonValue | undefined,
    signal: AbortSignal | undefined,
  ): Promise<JsonAnswer> {
    const { socketPath, timeout = KEY_SERVICE_DEFAULTS.timeout, clock = systemClock } = this.#options
    const target = { socketPath, method, path: `${path}?api-version=${API_VERSION}`, agent: false }
    try {
      return await exchangeJson(within => request({ ...target, signal: within }), body, { clock, timeout, signal })
    } catch (cause) {
      throw signal?.aborted ? signal.reason : this.#unavailable('there is no answer', cause)
    }
  }

  #unavailable(reason: string, cause?: unknown): EdgewrightError {
    return new EdgewrightError('SIGNER_UNAVAILABLE', `The key service cannot be used now: ${reason}`, {
      place: this.#options.socketPath,
      remedy: 'See whether the service runs, what it logs, and whether this user may use its socket.',
      cause,
    })
  }
}
