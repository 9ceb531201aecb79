import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { isJsonObject, type JsonValue } from '@edgewright/core'
import type { ImageReference } from '../manifest/image-reference.js'
import type { OciRegistry } from './oci-registry.js'

/** The name under which a signature stands with its layer. Source: cosign, SIGNATURE_SPEC. */
const SIGNATURE = 'dev.cosignproject.cosign/signature'
const PAYLOAD_TYPE = 'application/vnd.dev.cosign.simplesigning.v1+json'
const STATEMENT_TYPE = 'cosign container image signature'

/** Signatures of one image that are looked at. */
const MAX_SIGNATURES = 50

/**
 * Whether a registry has a signature of an image that one of the keys made. Signatures are read as cosign writes them
 * with keys of one's own: beside the image, under the tag `sha256-….sig`.
 *
 * @param image - with its digest
 * @param keys - public keys as PEM
 * @throws `IMAGE_REGISTRY_FAILED`
 */
export async function isSigned(
  registry: OciRegistry,
  image: ImageReference & { readonly digest: string },
  keys: readonly string[],
  signal?: AbortSignal,
): Promise<boolean> {
  const { digest, ...place } = image
  const signatures = await registry.manifest({ ...place, tag: `${digest.replace(':', '-')}.sig` }, signal)
  if (signatures === undefined) return false
  const publicKeys = keys.map(key => createPublicKey(key))
  for (const { payload, signature } of layersOf(signatures.body).slice(0, MAX_SIGNATURES)) {
    const statement = await registry.blob(place, payload, signal)
    if (publicKeys.some(key => holds(key, statement, signature)) && isAbout(statement, digest)) return true
  }
  return false
}

function layersOf(manifest: Uint8Array): { readonly payload: string; readonly signature: Buffer }[] {
  const parsed = parse(manifest)
  const layers = isJsonObject(parsed) && Array.isArray(parsed.layers) ? (parsed.layers as readonly JsonValue[]) : []
  return layers.flatMap(layer => {
    if (!isJsonObject(layer) || layer.mediaType !== PAYLOAD_TYPE || !isJsonObject(layer.annotations)) return []
    const { digest, annotations } = layer
    const signature = annotations[SIGNATURE]
    const isWhole = typeof digest === 'string' && /^sha256:[0-9a-f]{64}$/.test(digest) && typeof signature === 'string'
    return isWhole ? [{ payload: digest, signature: Buffer.from(signature, 'base64') }] : []
  })
}

/** Keys of elliptic curves and RSA sign a SHA-256, those of Edwards curves the statement itself. */
function holds(key: KeyObject, statement: Uint8Array, signature: Uint8Array): boolean {
  const algorithm = key.asymmetricKeyType === 'ed25519' ? null : 'sha256'
  try {
    return verify(algorithm, statement, key, signature)
  } catch {
    return false
  }
}

/** A good signature of another image is none of this one. */
function isAbout(statement: Uint8Array, digest: string): boolean {
  const parsed = parse(statement)
  const critical = isJsonObject(parsed) && isJsonObject(parsed.critical) ? parsed.critical : {}
  const image = isJsonObject(critical.image) ? critical.image : {}
  return critical.type === STATEMENT_TYPE && image['docker-manifest-digest'] === digest
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    return undefined
  }
}
