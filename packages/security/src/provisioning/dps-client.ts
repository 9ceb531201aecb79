import {
  type Clock,
  EdgewrightError,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  sleep,
  systemClock,
} from '@edgewright/core'
import { formatSasToken, percentEncode, sasSignText } from '@edgewright/protocol'
import { type CloudService, requestJson } from './https-json.js'
import type { JsonAnswer } from '../json-exchange.js'
import type { DeviceCredential } from './provisioned-device.js'

/** Which enrollment to register with. */
export interface DpsRegistration extends Partial<CloudService> {
  /** @default 'global.azure-devices-provisioning.net' */
  readonly host?: string | undefined
  /** Of the provisioning service, `0ne…`. */
  readonly idScope: string
  readonly registrationId: string
  /** A key or certificate of an individual enrollment; or a key derived from a group's, a certificate of its authority. */
  readonly credential: DeviceCredential
  /** Given to whoever allocates the device. @default nothing */
  readonly payload?: JsonValue | undefined
  /** Milliseconds until the service must have assigned a hub. @default 120,000 */
  readonly assignmentTimeout?: number | undefined
}

/** Where the provisioning service is, and how long it may take, when nothing else is said. */
export const DPS_DEFAULTS = Object.freeze({
  host: 'global.azure-devices-provisioning.net',
  assignmentTimeout: 120_000,
})

/** Which hub a device was assigned to, and as whom. */
export interface DpsAssignment {
  readonly hubHostName: string
  readonly deviceId: string
  /** PEM of authorities that the enrollment says to trust. */
  readonly trustBundle?: string | undefined
  /** What the allocation gave back. */
  readonly payload?: JsonValue | undefined
}

const API_VERSION = '2021-06-01'
const TOKEN_LIFETIME = 3_600_000
/** Milliseconds between questions, unless the service names another time; and the longest that is waited. */
const POLL_INTERVAL = 3_000
const MAX_POLL_INTERVAL = 60_000
/** How far clocks may differ before a refusal is put down to that. */
const CLOCK_TOLERANCE = 300_000

/**
 * Registers a device with the Device Provisioning Service over HTTPS, and waits until it is assigned to a hub. Source:
 * Device Provisioning Service REST API, "Runtime Registration".
 *
 * @throws `PROVISIONING_UNAVAILABLE` when the service cannot be asked now, also because this machine's clock is wrong;
 *   `PROVISIONING_REFUSED` when it says no
 */
export async function registerDevice(
  registration: DpsRegistration,
  clock: Clock = systemClock,
  signal?: AbortSignal,
): Promise<DpsAssignment> {
  const { registrationId, payload, assignmentTimeout = DPS_DEFAULTS.assignmentTimeout } = registration
  const deadline = clock.monotonic() + assignmentTimeout
  const ask = (method: 'PUT' | 'GET', path: string, body?: JsonValue) =>
    call(registration, { method, path, body }, clock, signal)
  let answer = await ask('PUT', 'register', payload === undefined ? { registrationId } : { registrationId, payload })
  for (;;) {
    const { operationId, status, registrationState } = isJsonObject(answer.body) ? answer.body : {}
    const state = isJsonObject(registrationState) ? registrationState : {}
    if (status === 'assigned') return assignment(state, registration)
    if (status !== 'assigning' || typeof operationId !== 'string') throw notAssigned(state, status, registration)
    if (clock.monotonic() >= deadline) throw unavailable(registration, 'no hub was assigned in time')
    await sleep(clock, pollDelay(answer), signal)
    answer = await ask('GET', `operations/${percentEncode(operationId)}`)
  }
}

interface Question {
  readonly method: 'PUT' | 'GET'
  /** Below the registration. */
  readonly path: string
  readonly body?: JsonValue | undefined
}

async function call(
  registration: DpsRegistration,
  { method, path, body }: Question,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<JsonAnswer> {
  const { host = DPS_DEFAULTS.host, idScope, registrationId, credential } = registration
  const base = `/${percentEncode(idScope)}/registrations/${percentEncode(registrationId)}`
  const request = {
    ...{ method, path: `${base}/${path}?api-version=${API_VERSION}`, body },
    ...(credential.kind === 'key'
      ? { headers: { Authorization: await token(registration, credential, clock, signal) } }
      : { clientCertificate: credential }),
  }
  const answer = await requestJson({ ...registration, host }, request, clock, signal).catch(cause => {
    throw signal?.aborted ? cause : unavailable(registration, 'there is no answer', cause)
  })
  const { status, headers } = answer
  if (status === 200 || status === 202) return answer
  if (status >= 500 || status === 429) throw unavailable(registration, `the answer is ${status}`)
  const skew = Math.abs(Date.parse(headers.date ?? '') - clock.now())
  if (status === 401 && skew > CLOCK_TOLERANCE) throw unavailable(registration, "this machine's clock is wrong")
  throw refused(registration, `answered ${status}: ${messageOf(answer.body)}`)
}

async function token(
  { idScope, registrationId }: DpsRegistration,
  { signer, keyId }: Extract<DeviceCredential, { kind: 'key' }>,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<string> {
  const resource = percentEncode(`${idScope}/registrations/${registrationId}`)
  const expiry = String(Math.ceil((clock.now() + TOKEN_LIFETIME) / 1_000))
  const signature = await signer.sign(keyId, Buffer.from(sasSignText(resource, expiry)), signal)
  return formatSasToken({ resource, expiry, signature, policy: 'registration' })
}

function assignment(state: JsonObject, registration: DpsRegistration): DpsAssignment {
  const { assignedHub, deviceId, payload, trustBundle } = state
  if (typeof assignedHub !== 'string' || typeof deviceId !== 'string') {
    throw unavailable(registration, 'the answer names no hub and device')
  }
  const certificates = isJsonObject(trustBundle) ? trustBundle.certificates : undefined
  const pems = Array.isArray(certificates) ? certificates.map(one => (isJsonObject(one) ? one.certificate : '')) : []
  return {
    hubHostName: assignedHub,
    deviceId,
    payload: payload ?? undefined,
    trustBundle: pems.length === 0 ? undefined : pems.join('\n'),
  }
}

function pollDelay({ headers }: JsonAnswer): number {
  const seconds = Number(headers['retry-after'])
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds * 1_000, MAX_POLL_INTERVAL) : POLL_INTERVAL
}

/** What an error body says, bounded: it comes from elsewhere. */
function messageOf(body: JsonValue): string {
  const { message, errorMessage, Message } = isJsonObject(body) ? body : {}
  return String(message ?? errorMessage ?? Message ?? 'no reason given').slice(0, 200)
}

function notAssigned(state: JsonObject, status: JsonValue | undefined, registration: DpsRegistration): EdgewrightError {
  if (typeof status !== 'string' || status === 'assigning')
    return unavailable(registration, 'the answer is not one of the service')
  return refused(registration, `says ${status.slice(0, 40)}: ${messageOf(state)}`)
}

function placeOf({ host = DPS_DEFAULTS.host, idScope, registrationId }: DpsRegistration): string {
  return `${host}: ${idScope}/${registrationId}`
}

function refused(registration: DpsRegistration, what: string): EdgewrightError {
  return new EdgewrightError('PROVISIONING_REFUSED', `The provisioning service ${what}`, {
    place: placeOf(registration),
    remedy: 'Check id scope, registration id and key or certificate against the enrollment, and that it is enabled.',
  })
}

function unavailable(registration: DpsRegistration, reason: string, cause?: unknown): EdgewrightError {
  return new EdgewrightError('PROVISIONING_UNAVAILABLE', `The provisioning service cannot be used now: ${reason}`, {
    place: placeOf(registration),
    remedy: 'Check the link to the service and the clock of this machine.',
    cause,
  })
}
