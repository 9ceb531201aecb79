import type { KeyObject } from 'node:crypto'

/** ECDSA on P-256 with SHA-256: what we make keys for. */
export const P256 = Object.freeze({ name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' })

/** What WebCrypto imports a key for and signs with. */
export interface SigningAlgorithm {
  readonly name: string
  readonly namedCurve?: string
  readonly hash: string
}

const CURVES: Readonly<Record<string, { readonly namedCurve: string; readonly hash: string }>> = {
  prime256v1: { namedCurve: 'P-256', hash: 'SHA-256' },
  secp384r1: { namedCurve: 'P-384', hash: 'SHA-384' },
  secp521r1: { namedCurve: 'P-521', hash: 'SHA-512' },
}

/** How WebCrypto signs certificates with a key; undefined for kinds of keys that it, or TLS clients, do not know. */
export function signingAlgorithm(key: KeyObject): SigningAlgorithm | undefined {
  if (key.asymmetricKeyType === 'rsa') return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
  const curve = CURVES[key.asymmetricKeyDetails?.namedCurve ?? '']
  return key.asymmetricKeyType === 'ec' && curve !== undefined ? { name: 'ECDSA', ...curve } : undefined
}
