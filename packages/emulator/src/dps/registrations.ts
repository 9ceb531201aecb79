import { randomUUID } from 'node:crypto'
import type { IdentityAuthentication, JsonObject } from '@edgewright/core'
import { generateEtag } from '../state/identifiers.js'
import type { Registry } from '../state/registry.js'
import type { Enrollment } from './enrollments.js'

/** What registrations lead to. */
export interface RegistrationsOptions {
  readonly registry: () => Registry
  /** The hub that devices are assigned to. */
  readonly hubName: string
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** A registration that was begun. */
interface Registration {
  readonly operationId: string
  readonly state: JsonObject
}

/** Assigns devices to the hub that their enrollment names, or to the one beside it. */
export class Registrations {
  readonly #options: RegistrationsOptions
  /** By registration id in lower case: the last one. */
  readonly #begun = new Map<string, Registration>()

  constructor(options: RegistrationsOptions) {
    this.#options = options
  }

  /** Makes the device in the hub, or gives it what the enrollment says now. @returns what the operation is called */
  begin(registrationId: string, enrollment: Enrollment, authentication: IdentityAuthentication): string {
    const deviceId = enrollment.deviceId ?? registrationId
    const registry = enrollment.assignTo?.registry ?? this.#options.registry()
    const device = { deviceId, authentication, capabilities: { iotEdge: enrollment.iotEdge } }
    if (registry.find({ deviceId }) === undefined) registry.createDevice(device)
    else registry.update({ deviceId }, device)
    const operationId = `5.${randomUUID()}`
    const state = this.#assigned(registrationId, deviceId, enrollment)
    this.#begun.set(registrationId.toLowerCase(), { operationId, state })
    return operationId
  }

  /** The outcome of an operation; undefined when it is not the last of this registration. */
  outcome(registrationId: string, operationId: string): JsonObject | undefined {
    const begun = this.#begun.get(registrationId.toLowerCase())
    return begun?.operationId === operationId ? begun.state : undefined
  }

  /** How a registration stands; undefined when there is none. */
  state(registrationId: string): JsonObject | undefined {
    return this.#begun.get(registrationId.toLowerCase())?.state
  }

  #assigned(registrationId: string, deviceId: string, enrollment: Enrollment): JsonObject {
    const { kind, id, attestation, trustBundle, assignTo } = enrollment
    const time = new Date(this.#options.now()).toISOString()
    const group = kind === 'group' ? { enrollmentGroupId: id } : {}
    return {
      [attestation.kind === 'certificate' ? 'x509' : 'symmetricKey']: group,
      registrationId,
      createdDateTimeUtc: time,
      assignedHub: assignTo?.hostName ?? this.#options.hubName,
      deviceId,
      status: 'assigned',
      substatus: 'initialAssignment',
      lastUpdatedDateTimeUtc: time,
      etag: generateEtag(),
      ...(trustBundle.length === 0 ? {} : { trustBundle: { certificates: trustBundle.map(toJson) } }),
    }
  }
}

function toJson(certificate: string): JsonObject {
  return { certificate }
}
