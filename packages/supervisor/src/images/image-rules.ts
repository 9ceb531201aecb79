import { EdgewrightError, type ImageVerifier, type Logger, silentLogger } from '@edgewright/core'
import { type ImageReference, parseImageReference } from '../manifest/image-reference.js'
import { isSigned } from './image-signatures.js'
import type { OciRegistry } from './oci-registry.js'

/** Images of one place, and what is asked of them. */
export interface ImageRule {
  /**
   * A registry (`registry.example:5000`), or a registry and the beginning of its repositories
   * (`registry.example/line-3`). `docker.io` stands for the engine's default registry.
   */
  readonly from: string
  /** Whether a reference must name the digest, so that nobody can put another image under its name. @default false */
  readonly pinned?: boolean
  /** Public keys as PEM, one of which must have signed the image, as cosign does. @default signatures are not looked at */
  readonly keys?: readonly string[]
  /** What becomes of an image that none of the keys has signed. @default refuse */
  readonly unsigned?: 'refuse' | 'warn'
}

/** What {@link ImageRules} work with. */
export interface ImageRulesOptions {
  /** The first that fits counts; an image that fits none is refused. */
  readonly rules: readonly ImageRule[]
  /** Where digests and signatures are read; needed for rules with keys, and pins images that are not pinned. */
  readonly registry?: OciRegistry
  readonly logger?: Logger
}

/**
 * Lets images be used that come from where they may, pinned and signed where that is asked for. With a registry, an image
 * is pinned to the digest that its tag has now: what is checked is what runs.
 */
export class ImageRules implements ImageVerifier {
  readonly #options: ImageRulesOptions

  /** @throws TypeError when a rule has keys and there is no registry to read signatures from */
  constructor(options: ImageRulesOptions) {
    if (options.registry === undefined && options.rules.some(({ keys }) => keys !== undefined)) {
      throw new TypeError('Rules with keys need a registry')
    }
    this.#options = options
  }

  /** @throws `IMAGE_REFUSED`, `IMAGE_REGISTRY_FAILED` */
  async verify(reference: string, signal?: AbortSignal): Promise<{ digest: string; evidence: string }> {
    const image = parseImageReference(reference)
    if (image === undefined) throw refused(reference, 'it is not the name of an image')
    const place = placeOf(image)
    const rule = this.#options.rules.find(({ from }) => place === from || place.startsWith(`${from}/`))
    if (rule === undefined) throw refused(reference, 'no rule lets images of its registry and repository in')
    if (rule.pinned && image.digest === undefined) throw refused(reference, 'it is not pinned by its digest')
    const digest = image.digest ?? (await this.#digestOf(image, reference, signal))
    const evidence = [`it comes from ${rule.from}`, ...(image.digest === undefined ? [] : ['pinned by its digest'])]
    if (rule.keys !== undefined) evidence.push(await this.#signatureOf({ ...image, digest }, rule, reference, signal))
    return { digest, evidence: evidence.join(', ') }
  }

  /** Empty when there is no registry to ask. */
  async #digestOf(image: ImageReference, reference: string, signal: AbortSignal | undefined): Promise<string> {
    const { registry } = this.#options
    if (registry === undefined) return ''
    const manifest = await registry.manifest(image, signal)
    if (manifest === undefined) throw refused(reference, 'its registry does not have it')
    return manifest.digest
  }

  async #signatureOf(
    image: ImageReference & { readonly digest: string },
    { keys = [], unsigned = 'refuse' }: ImageRule,
    reference: string,
    signal: AbortSignal | undefined,
  ): Promise<string> {
    if (await isSigned(this.#options.registry!, image, keys, signal)) return 'signed by a key of this gateway'
    if (unsigned === 'refuse') throw refused(reference, 'none of the keys of this gateway has signed it')
    const logger = this.#options.logger ?? silentLogger
    logger.log('warn', 'An image that is not signed is let in', { image: reference, digest: image.digest })
    return 'not signed'
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
