import type { X509Certificate } from 'node:crypto'
import {
  type Clock,
  EdgewrightError,
  type ImageVerifier,
  type Logger,
  silentLogger,
  systemClock,
} from '@edgewright/core'
import { type ImageReference, parseImageReference } from '../manifest/image-reference.js'
import { certificatesOf } from './certificate-path.js'
import { isSigned } from './image-signatures.js'
import { findNotationSignature, type NotationVerdict } from './notation-signatures.js'
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
  /** Public keys as PEM, one of which may have signed the image, as cosign does. @default none */
  readonly keys?: readonly string[]
  /**
   * Certificates as PEM: of authorities whose signers, or of signers themselves, may have signed the image as Notation
   * does. Revocation lists are not looked at. @default none
   */
  readonly certificates?: readonly string[]
  /**
   * What is asked of signatures: an image that none of the keys and certificates stands for is refused (`required`), let
   * in with a warning (`warn`), or nobody looks (`off`). @default 'required' with keys or certificates, 'off' without
   */
  readonly signatures?: 'required' | 'warn' | 'off'
}

/** What {@link ImageRules} work with. */
export interface ImageRulesOptions {
  /** The first that fits counts; an image that fits none is refused. */
  readonly rules: readonly ImageRule[]
  /** Where digests and signatures are read; needed for rules about signatures, and pins images that are not pinned. */
  readonly registry?: OciRegistry
  readonly clock?: Clock
  readonly logger?: Logger
}

/**
 * Lets images be used that come from where they may, pinned and signed where that is asked for. With a registry, an image
 * is pinned to the digest that its tag has now: what is checked is what runs.
 */
export class ImageRules implements ImageVerifier {
  readonly #options: ImageRulesOptions
  readonly #anchors = new Map<ImageRule, readonly X509Certificate[]>()

  /** @throws TypeError when a rule cannot be kept: no registry to read signatures from, nobody to trust, no PEM */
  constructor(options: ImageRulesOptions) {
    for (const rule of options.rules) {
      if (policyOf(rule) === 'off') continue
      if (options.registry === undefined) throw new TypeError('Rules about signatures need a registry')
      const { keys = [], certificates = [] } = rule
      if (keys.length + certificates.length === 0) throw new TypeError(`The rule for ${rule.from} trusts nobody`)
      this.#anchors.set(rule, certificatesOf(certificates))
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
    if (policyOf(rule) !== 'off') {
      evidence.push(await this.#signatureOf({ ...image, digest }, rule, reference, signal))
    }
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
    rule: ImageRule,
    reference: string,
    signal: AbortSignal | undefined,
  ): Promise<string> {
    const { registry, clock = systemClock, logger = silentLogger } = this.#options
    const { keys = [] } = rule
    const anchors = this.#anchors.get(rule) ?? []
    if (keys.length > 0 && (await isSigned(registry!, image, keys, signal))) return 'signed by a key of this gateway'
    const trust = { anchors, now: clock.now() }
    const verdict = anchors.length === 0 ? UNSIGNED : await findNotationSignature(registry!, image, trust, signal)
    if (verdict.isSigned) return `signed by ${verdict.signer}`
    const reason = ['nobody whom this gateway trusts has signed it', ...verdict.reasons.slice(0, 3)].join('; ')
    if (policyOf(rule) === 'required') throw refused(reference, reason)
    logger.log('warn', 'An image that is not signed is let in', { image: reference, digest: image.digest, reason })
    return 'not signed'
  }
}

const UNSIGNED: NotationVerdict = Object.freeze({ isSigned: false, reasons: [] })

function policyOf({ keys = [], certificates = [], signatures }: ImageRule): 'required' | 'warn' | 'off' {
  return signatures ?? (keys.length + certificates.length === 0 ? 'off' : 'required')
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
