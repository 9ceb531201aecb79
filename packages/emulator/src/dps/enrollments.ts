import { generateKey } from '../state/identifiers.js'
import type { Registry } from '../state/registry.js'

/** A hub that devices can be assigned to: an emulator is one. */
export interface AssignableHub {
  readonly hostName: string
  readonly registry: Registry
}

/** What an enrolled device proves itself with. */
export type EnrollmentAttestation =
  /** Base64. Devices of a group have keys derived from these. */
  | { readonly kind: 'symmetricKey'; readonly primaryKey: string; readonly secondaryKey: string }
  /** The device's own certificate, PEM; of a group: that of the authority which issues its devices'. */
  | { readonly kind: 'certificate'; readonly certificate: string }

/** An enrollment of one device, to be made. */
export interface NewEnrollment {
  readonly registrationId: string
  /** @default the registration id */
  readonly deviceId?: string | undefined
  /** @default keys, generated */
  readonly attestation?: EnrollmentAttestation | undefined
  /** Whether the device becomes an edge device. @default false */
  readonly iotEdge?: boolean | undefined
  /** PEM of authorities that the device is told to trust. @default none */
  readonly trustBundle?: readonly string[] | undefined
  /** @default the hub beside this provisioning service */
  readonly assignTo?: AssignableHub | undefined
}

/** An enrollment of any number of devices, to be made; each is known in the hub by its registration id. */
export interface NewEnrollmentGroup extends Omit<NewEnrollment, 'registrationId' | 'deviceId'> {
  readonly groupId: string
}

/** What the provisioning service keeps about a device or a group. */
export interface Enrollment {
  /** Of the device, or the id of the group. */
  readonly id: string
  readonly kind: 'individual' | 'group'
  readonly deviceId?: string | undefined
  readonly attestation: EnrollmentAttestation
  readonly iotEdge: boolean
  readonly trustBundle: readonly string[]
  readonly assignTo?: AssignableHub | undefined
  readonly enabled: boolean
}

/** Who may register. Ids are compared without case. */
export class Enrollments {
  readonly #individual = new Map<string, Enrollment>()
  readonly #groups = new Map<string, Enrollment>()

  add({ registrationId: id, deviceId, ...rest }: NewEnrollment): Enrollment {
    const enrollment: Enrollment = { id, kind: 'individual', deviceId, ...defaults(rest) }
    this.#individual.set(id.toLowerCase(), enrollment)
    return enrollment
  }

  addGroup({ groupId: id, ...rest }: NewEnrollmentGroup): Enrollment {
    const enrollment: Enrollment = { id, kind: 'group', ...defaults(rest) }
    this.#groups.set(id.toLowerCase(), enrollment)
    return enrollment
  }

  /** Enables or disables an enrollment; registrations of before are not touched. */
  setEnabled({ kind, id }: Enrollment, enabled: boolean): void {
    const table = kind === 'group' ? this.#groups : this.#individual
    const found = table.get(id.toLowerCase())
    if (found !== undefined) table.set(id.toLowerCase(), { ...found, enabled })
  }

  remove({ kind, id }: Enrollment): void {
    const table = kind === 'group' ? this.#groups : this.#individual
    table.delete(id.toLowerCase())
  }

  /** Where a registration may belong: its own enrollment alone, when it has one; else any group. */
  candidates(registrationId: string): readonly Enrollment[] {
    const own = this.#individual.get(registrationId.toLowerCase())
    return own === undefined ? [...this.#groups.values()] : [own]
  }
}

function defaults({ attestation, iotEdge = false, trustBundle = [], assignTo }: Omit<NewEnrollment, 'registrationId'>) {
  const generated = { kind: 'symmetricKey', primaryKey: generateKey(), secondaryKey: generateKey() } as const
  return { attestation: attestation ?? generated, iotEdge, trustBundle, assignTo, enabled: true }
}
