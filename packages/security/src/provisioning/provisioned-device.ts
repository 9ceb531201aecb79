import type { JsonValue, Signer } from '@edgewright/core'
import type { ClientCertificate } from './https-json.js'

/** What a device proves itself with. */
export type DeviceCredential =
  /** A key that its signer keeps. */
  | { readonly kind: 'key'; readonly signer: Signer; readonly keyId: string }
  | ({ readonly kind: 'certificate' } & ClientCertificate)

/** Which hub this device belongs to, and as whom. */
export interface ProvisionedDevice {
  readonly hubHostName: string
  readonly deviceId: string
  /** Whom to connect to instead of the hub, when the connection string says so. */
  readonly gatewayHostName?: string | undefined
  readonly credential: DeviceCredential
  /** PEM of authorities that the enrollment says to trust. */
  readonly trustBundle?: string | undefined
  /** What the allocation gave back. */
  readonly payload?: JsonValue | undefined
}
