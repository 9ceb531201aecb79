import { isJsonObject, type JsonObject, type JsonValue } from '@edgewright/core'
import type { ImageReference } from '../manifest/image-reference.js'
import { type EnvelopeTrust, verifyJwsEnvelope } from './jws-envelope.js'
import type { OciRegistry, RegistryManifest } from './oci-registry.js'
import { requireThat, SignatureRefused } from './signature-refused.js'

const SIGNATURE_TYPE = 'application/vnd.cncf.notary.signature'
const JWS = 'application/jose+json'
const COSE = 'application/cose'

/** Signatures of one image that are looked at. */
const MAX_SIGNATURES = 50

/** The largest envelope, in bytes: a chain of eight certificates stays far below. */
const MAX_ENVELOPE = 262_144

/** What came of looking for a signature. */
export type NotationVerdict =
  | { readonly isSigned: true; readonly signer: string }
  /** Why each did not count; empty when there are none. */
  | { readonly isSigned: false; readonly reasons: readonly string[] }

/**
 * Whether a registry has a Notation signature of an image that leads to a trusted certificate. Source: Notary Project,
 * signature specification 1.1; OCI Distribution 1.1, referrers with their fallback tag.
 *
 * @throws `IMAGE_REGISTRY_FAILED`
 */
export async function findNotationSignature(
  registry: OciRegistry,
  image: ImageReference & { readonly digest: string },
  trust: EnvelopeTrust,
  signal?: AbortSignal,
): Promise<NotationVerdict> {
  const referrers = await registry.referrers(image, image.digest, SIGNATURE_TYPE, signal)
  if (referrers.length === 0) return { isSigned: false, reasons: [] }
  const subject = await registry.manifest(image, signal)
  if (subject === undefined) return { isSigned: false, reasons: ['the registry does not have the image'] }
  const reasons: string[] = []
  for (const digest of referrers.slice(0, MAX_SIGNATURES)) {
    try {
      const envelope = await envelopeOf(registry, { ...image, digest }, image.digest, signal)
      const target = { digest: image.digest, size: subject.body.byteLength, mediaType: subject.mediaType }
      return { isSigned: true, signer: await verifyJwsEnvelope(envelope, target, trust) }
    } catch (error) {
      if (!(error instanceof SignatureRefused)) throw error
      reasons.push(error.message)
    }
  }
  return { isSigned: false, reasons }
}

/** @param signature - where the manifest of the signature is */
async function envelopeOf(
  registry: OciRegistry,
  signature: ImageReference & { readonly digest: string },
  subject: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const manifest = await registry.manifest(signature, signal)
  requireThat(manifest !== undefined, 'its manifest is missing')
  const { mediaType, digest, size } = layerOf(manifest, subject)
  requireThat(mediaType !== COSE, 'COSE envelopes are not read: sign with --signature-format jws')
  requireThat(mediaType === JWS, 'its envelope is of another type')
  requireThat(typeof size === 'number' && size <= MAX_ENVELOPE, `its envelope has more than ${MAX_ENVELOPE} bytes`)
  requireThat(typeof digest === 'string' && /^sha256:[0-9a-f]{64}$/.test(digest), 'its envelope is not named')
  const envelope = await registry.blob(signature, digest, signal)
  requireThat(envelope.byteLength === size, 'its envelope has another size than its manifest says')
  return envelope
}

function layerOf({ body }: RegistryManifest, subject: string): JsonObject {
  const manifest = parse(body)
  const config = isJsonObject(manifest.config) ? manifest.config.mediaType : undefined
  requireThat((manifest.artifactType ?? config) === SIGNATURE_TYPE, 'it is no Notation signature')
  requireThat(isJsonObject(manifest.subject) && manifest.subject.digest === subject, 'it refers to another image')
  const layers: readonly JsonValue[] = Array.isArray(manifest.layers) ? manifest.layers : []
  const [layer] = layers
  requireThat(layers.length === 1 && isJsonObject(layer), 'it has not one envelope')
  return layer
}

function parse(body: Uint8Array): JsonObject {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(body).toString('utf8'))
    if (isJsonObject(parsed)) return parsed
  } catch {
    // Told below.
  }
  throw new SignatureRefused('its manifest is no JSON object')
}
