import type { ImageVerifier, ModuleSpecification } from '@edgewright/core'
import { formatImageReference, parseImageReference } from '../../manifest/image-reference.js'
import { notAvailable } from './engine-error.js'

/**
 * The image that a module is made from: the deployment's own reference, or, when the deployment or the verifier names a
 * digest, that and no other, whatever its tag has come to mean.
 *
 * @throws `IMAGE_REFUSED`, `MODULE_NOT_AVAILABLE`
 */
export async function pinnedImage(
  { settings }: ModuleSpecification,
  verifier: ImageVerifier | undefined,
  signal: AbortSignal | undefined,
): Promise<string> {
  const text = String(settings.image)
  const image = parseImageReference(text)
  if (image === undefined) throw notAvailable(text, 'it is not the name of an image')
  const asked = settings.digest === undefined ? image : { ...image, digest: String(settings.digest) }
  const verified = await verifier?.verify(formatImageReference(asked), signal)
  const digest = verified?.digest || asked.digest
  if (digest === undefined) return formatImageReference(image)
  const { tag: _, ...untagged } = image
  return formatImageReference({ ...untagged, digest })
}
