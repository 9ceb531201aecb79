import { createHash, X509Certificate } from 'node:crypto'
import { EdgewrightError, type JsonValue, type Signer } from '@edgewright/core'
import type { ClientCertificate, CloudService } from './https-json.js'

/** How a device proves that it is enrolled. */
export type DpsAttestation =
  /** The key of an individual enrollment, or one that was derived from a group's; Base64. */
  | { readonly kind: 'symmetricKey'; readonly key: string }
  /** The key of a group, Base64: the device's own is derived from it, and the group's forgotten. */
  | { readonly kind: 'groupKey'; readonly key: string }
  /** A key that is somewhere else, such as in a TPM. */
  | { readonly kind: 'signer'; readonly signer: Signer; readonly keyId: string }
  /** A certificate of an individual enrollment, or issued by a group's authority. */
  | ({ readonly kind: 'certificate' } & ClientCertificate)

/** Where a device gets to know which hub it belongs to, and as whom. */
export type ProvisioningSource =
  /** By hand: a connection string of the device, with its key. */
  | { readonly kind: 'connectionString'; readonly connectionString: string }
  /** By hand: a certificate that is registered with the hub. */
  | ({ readonly kind: 'certificate'; readonly hubHostName: string; readonly deviceId: string } & ClientCertificate)
  /** By hand: a key that is somewhere else, such as in a hardware security module. */
  | {
      readonly kind: 'signer'
      readonly hubHostName: string
      readonly deviceId: string
      readonly signer: Signer
      /** Name of the device's key at the signer. */
      readonly keyId: string
    }
  /** The Device Provisioning Service. */
  | ({
      readonly kind: 'dps'
      /** Of the provisioning service, `0ne…`. */
      readonly idScope: string
      /** @default the common name of the certificate; needed for everything else */
      readonly registrationId?: string | undefined
      readonly attestation: DpsAttestation
      /** Given to whoever allocates the device. @default nothing */
      readonly payload?: JsonValue | undefined
    } & Partial<CloudService>)

/** The Device Provisioning Service as a source. */
export type DpsSource = Extract<ProvisioningSource, { kind: 'dps' }>

/** @throws `PROVISIONING_SOURCE_INVALID` */
export function registrationIdOf({ registrationId, attestation }: DpsSource): string {
  if (registrationId !== undefined && registrationId !== '') return registrationId
  const commonName = attestation.kind === 'certificate' ? commonNameOf(attestation.certificate) : undefined
  if (commonName !== undefined) return commonName
  throw new EdgewrightError('PROVISIONING_SOURCE_INVALID', 'The registration id is missing', {
    remedy: 'Give registrationId, or a certificate whose common name it is.',
  })
}

/** What tells one enrollment from another: an answer to one is no answer to another. Holds no secret. */
export function sourceFingerprint(source: DpsSource): string {
  const { host, port, idScope, attestation } = source
  const proof = [
    attestation.kind,
    'key' in attestation ? attestation.key : '',
    'keyId' in attestation ? attestation.keyId : '',
  ]
  const parts = [host ?? '', port ?? 0, idScope, registrationIdOf(source), ...proof]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

function commonNameOf(pem: string): string | undefined {
  try {
    const { CN } = new X509Certificate(pem).toLegacyObject().subject
    return typeof CN === 'string' ? CN : CN?.[0]
  } catch {
    throw new EdgewrightError('PROVISIONING_SOURCE_INVALID', 'The certificate of the device cannot be read', {
      remedy: 'Give it as PEM, the certificate of the device first.',
    })
  }
}
