import { EdgewrightError, type ImageVerifier } from '@edgewright/core'
import { formatImageReference, type ImageReference, parseImageReference } from '../manifest/image-reference.js'

/** Images of one place, and what is asked of them. */
export interface ImageRule {
  /**
   * A registry (`registry.example:5000`), or a registry and the beginning of its repositories
   * (`registry.example/line-3`). `docker.io` stands for the engine's default registry.
   */
  readonly from: string
  /** Whether a reference must name the digest, so that nobody can put another image under its name. @default false */
  readonly pinned?: boolean
}

/** What {@link ImageRules} work with. */
export interface ImageRulesOptions {
  /** The first that fits counts; an image that fits none is refused. */
  readonly rules: readonly ImageRule[]
  /** The digest of an image that is not pinned, as it is now. @default the tag stays, with an empty digest */
  readonly resolve?: (reference: string, signal?: AbortSignal) => Promise<string>
}

/** Lets images be used that come from where they may, pinned to a digest where that is asked for. */
export class ImageRules implements ImageVerifier {
  readonly #options: ImageRulesOptions

  constructor(options: ImageRulesOptions) {
    this.#options = options
  }

  /** @throws `IMAGE_REFUSED` */
  async verify(reference: string, signal?: AbortSignal): Promise<{ digest: string; evidence: string }> {
    const image = parseImageReference(reference)
    if (image === undefined) throw refused(reference, 'it is not the name of an image')
    const place = placeOf(image)
    const rule = this.#options.rules.find(({ from }) => place === from || place.startsWith(`${from}/`))
    if (rule === undefined) throw refused(reference, 'no rule lets images of its registry and repository in')
    const evidence = `it comes from ${rule.from}`
    if (image.digest !== undefined) return { digest: image.digest, evidence: `${evidence}, pinned by its digest` }
    if (rule.pinned) throw refused(reference, 'it is not pinned by its digest')
    const digest = (await this.#options.resolve?.(formatImageReference(image), signal)) ?? ''
    return { digest, evidence }
  }
}

/** The registry and repository, with the names that the engine adds by itself. */
function placeOf({ registry = 'docker.io', repository }: ImageReference): string {
  const isDefault = /^(index\.)?docker\.io$/i.test(registry)
  const library = isDefault && !repository.includes('/') ? 'library/' : ''
  return `${isDefault ? 'docker.io' : registry.toLowerCase()}/${library}${repository}`
}

function refused(reference: string, reason: string): EdgewrightError {
  return new EdgewrightError('IMAGE_REFUSED', `The image may not be used: ${reason}`, {
    place: reference,
    remedy: 'Deploy an image that the rules of this gateway let in, or change the rules.',
  })
}
