import { request } from 'node:https'
import { EdgewrightError, type Identity, isJsonObject, type JsonValue } from '@edgewright/core'
import { percentEncode } from '@edgewright/protocol'

/** Which module's key to fetch, and how the device proves that it may. */
export interface ModuleKeyRequest {
  /** The cloud hub. */
  readonly host: string
  /** @default 443 */
  readonly port?: number | undefined
  /** PEM of authorities to trust besides the usual ones. */
  readonly ca?: string | undefined
  /** The module of the device. */
  readonly identity: Required<Identity>
  /** A token of the device. */
  readonly token: string
}

const API_VERSION = '2021-04-12'
const MAX_ANSWER = 65_536
const TIMEOUT = 30_000

/**
 * The primary key of one of the device's own modules, Base64, from the cloud's registry; the module is made when it
 * does not exist. Source: IoT Hub REST API, "Modules"; a device may manage its own modules.
 *
 * @throws `REGISTRY_UNAVAILABLE` when there is no usable answer, `REGISTRY_REFUSED` when the cloud says no
 */
export async function fetchModuleKey(options: ModuleKeyRequest, signal?: AbortSignal): Promise<string> {
  const found = await call(options, 'GET', undefined, signal)
  const record = found.status === 404 ? await call(options, 'PUT', newModule(options.identity), signal) : found
  if (record.status < 200 || record.status > 299) {
    throw new EdgewrightError('REGISTRY_REFUSED', `The cloud's registry answered ${record.status}`, {
      place: placeOf(options),
      remedy: 'Check the connection string, and that the device is an enabled edge device.',
    })
  }
  const authentication = isJsonObject(record.body) ? record.body.authentication : undefined
  const keys = isJsonObject(authentication) ? authentication.symmetricKey : undefined
  const key = isJsonObject(keys) ? keys.primaryKey : undefined
  if (typeof key !== 'string') throw unavailable(options, new TypeError('the answer holds no key'))
  return key
}

function newModule({ deviceId, moduleId }: Required<Identity>): JsonValue {
  return {
    deviceId,
    moduleId: moduleId ?? '',
    managedBy: 'IotEdge',
    authentication: { type: 'sas', symmetricKey: { primaryKey: '', secondaryKey: '' } },
  }
}

interface Answer {
  readonly status: number
  readonly body: JsonValue
}

function call(
  options: ModuleKeyRequest,
  method: string,
  body: JsonValue | undefined,
  signal?: AbortSignal,
): Promise<Answer> {
  const { deviceId, moduleId = '' } = options.identity
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => reject(unavailable(options, cause))
    const outgoing = request(
      {
        host: options.host,
        port: options.port ?? 443,
        path: `/devices/${percentEncode(deviceId)}/modules/${percentEncode(moduleId)}?api-version=${API_VERSION}`,
        method,
        ca: options.ca,
        timeout: TIMEOUT,
        headers: { Authorization: options.token, 'Content-Type': 'application/json' },
        signal,
      },
      incoming => {
        const chunks: Buffer[] = []
        let size = 0
        incoming.on('error', fail)
        incoming.on('data', (chunk: Buffer) => {
          size += chunk.length
          if (size > MAX_ANSWER) incoming.destroy(new RangeError('the answer is too long'))
          else chunks.push(chunk)
        })
        incoming.on('end', () => {
          try {
            const text = Buffer.concat(chunks).toString('utf8')
            resolve({ status: incoming.statusCode ?? 0, body: text === '' ? null : JSON.parse(text) })
          } catch (cause) {
            fail(cause)
          }
        })
      },
    )
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')))
    outgoing.on('error', fail)
    outgoing.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

function placeOf({ host, identity }: ModuleKeyRequest): string {
  return `${host}: ${identity.deviceId}/${identity.moduleId}`
}

function unavailable(options: ModuleKeyRequest, cause: unknown): EdgewrightError {
  return new EdgewrightError('REGISTRY_UNAVAILABLE', `The cloud's registry cannot be used now`, {
    place: placeOf(options),
    remedy: 'It is tried again with the next operation; check the link to the cloud.',
    cause,
  })
}
