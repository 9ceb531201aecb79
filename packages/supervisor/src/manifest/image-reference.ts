/** Which image, where: the parts of `registry/repository:tag@digest`. */
export interface ImageReference {
  /** Host, with its port when given; absent for the engine's default registry. */
  readonly registry?: string
  readonly repository: string
  readonly tag?: string
  /** `sha256:…` */
  readonly digest?: string
}

const SEGMENT = /^[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*$/
const HOST = /^(?:\$upstream|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::\d{1,5})?$/i
const TAG = /^\w[\w.-]{0,127}$/
const DIGEST = /^sha256:[0-9a-f]{64}$/

/**
 * The parts of an image reference; undefined when it is none. Without tag and digest it means `latest`.
 *
 * Tag and digest together are taken, which the original refuses: then the digest counts.
 */
export function parseImageReference(text: string): ImageReference | undefined {
  const [named = '', digest, ...rest] = text.trim().split('@')
  const slash = named.indexOf('/')
  const first = named.slice(0, Math.max(slash, 0))
  const registry = /[.:$]|^localhost$/.test(first) ? first : undefined
  const path = registry === undefined ? named : named.slice(slash + 1)
  const colon = path.lastIndexOf(':')
  const repository = colon < 0 ? path : path.slice(0, colon)
  const tag = colon < 0 ? undefined : path.slice(colon + 1)
  const isValid =
    rest.length === 0 &&
    (registry === undefined || HOST.test(registry)) &&
    repository.split('/').every(segment => SEGMENT.test(segment)) &&
    (tag === undefined || TAG.test(tag)) &&
    (digest === undefined || DIGEST.test(digest))
  if (!isValid) return undefined
  return {
    ...(registry === undefined ? {} : { registry }),
    repository,
    ...(tag === undefined ? (digest === undefined ? { tag: 'latest' } : {}) : { tag }),
    ...(digest === undefined ? {} : { digest }),
  }
}

/** The text of an image reference. */
export function formatImageReference({ registry, repository, tag, digest }: ImageReference): string {
  const host = registry === undefined ? '' : `${registry}/`
  return `${host}${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`
}
