import { createHash } from 'node:crypto'
import { EdgewrightError, isJsonObject, type JsonObject, type JsonValue } from '@edgewright/core'
import type { RegistryCredential } from '../manifest/deployment.js'
import type { ImageReference } from '../manifest/image-reference.js'

/** What an {@link OciRegistry} works with. */
export interface OciRegistryOptions {
  /** How registries let us in. @default none */
  readonly credentials?: () => readonly RegistryCredential[]
  /** Registries that are asked without TLS, as `127.0.0.1:5000`. @default none */
  readonly insecure?: readonly string[]
}

/** A manifest as the registry has it. */
export interface RegistryManifest {
  /** Of its bytes, computed here. */
  readonly digest: string
  /** As it says itself, or else as the registry does. */
  readonly mediaType: string
  readonly body: Uint8Array
}

/** The largest manifest or signature that is read, in bytes. Source: OCI Distribution 1.1, manifests of 4 MiB. */
const MAX_BYTES = 4_194_304

const REFERRERS = 'application/vnd.oci.image.index.v1+json'

const MANIFESTS = [
  REFERRERS,
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

/** Reads manifests and small blobs of registries. Source: OCI Distribution 1.1, pull; Docker's token authentication. */
export class OciRegistry {
  readonly #options: OciRegistryOptions

  constructor(options: OciRegistryOptions = {}) {
    this.#options = options
  }

  /**
   * A manifest by its digest, or else its tag; undefined when there is none.
   *
   * @throws `IMAGE_REGISTRY_FAILED`
   */
  async manifest(image: ImageReference, signal?: AbortSignal): Promise<RegistryManifest | undefined> {
    const reference = image.digest ?? image.tag ?? 'latest'
    const found = await this.#get(image, `manifests/${reference}`, MANIFESTS, signal)
    if (found === undefined) return undefined
    const { body } = found
    const digest = digestOf(body)
    if (image.digest !== undefined && image.digest !== digest) throw failed(image, 'it gave another manifest')
    return { digest, body, mediaType: mediaTypeOf(body) ?? found.type }
  }

  /**
   * A small blob.
   *
   * @throws `IMAGE_REGISTRY_FAILED`
   */
  async blob(image: ImageReference, digest: string, signal?: AbortSignal): Promise<Uint8Array> {
    const body = (await this.#get(image, `blobs/${digest}`, '*/*', signal))?.body
    if (body === undefined || digestOf(body) !== digest) throw failed(image, 'it does not have what it names')
    return body
  }

  /**
   * What refers to a manifest: by the registry's own listing, or by the tag that clients keep where it has none.
   *
   * @param artifactType - only of this type
   * @returns digests of manifests
   * @throws `IMAGE_REGISTRY_FAILED`
   */
  async referrers(
    image: ImageReference,
    digest: string,
    artifactType: string,
    signal?: AbortSignal,
  ): Promise<string[]> {
    const { digest: _, ...place } = image
    const path = `referrers/${digest}?artifactType=${encodeURIComponent(artifactType)}`
    const listed = await this.#get(image, path, REFERRERS, signal)
    const index = listed?.body ?? (await this.manifest({ ...place, tag: digest.replace(':', '-') }, signal))?.body
    const manifests = index === undefined ? [] : parsed(index).manifests
    return (Array.isArray(manifests) ? manifests : []).flatMap((entry: JsonValue) => {
      const isWanted = isJsonObject(entry) && entry.artifactType === artifactType
      return isWanted && /^sha256:[0-9a-f]{64}$/.test(String(entry.digest)) ? [String(entry.digest)] : []
    })
  }

  async #get(image: ImageReference, path: string, accept: string, signal?: AbortSignal) {
    const { host, repository } = placeOf(image)
    const scheme = this.#options.insecure?.includes(host) ? 'http' : 'https'
    const url = `${scheme}://${host}/v2/${repository}/${path}`
    try {
      let response = await fetch(url, { headers: { accept }, ...(signal && { signal }) })
      if (response.status === 401) {
        const authorization = await this.#authorization(image, response.headers.get('www-authenticate') ?? '', signal)
        response = await fetch(url, { headers: { accept, authorization }, ...(signal && { signal }) })
      }
      if (response.status === 404) return undefined
      if (!response.ok) throw failed(image, `it answered ${response.status}`)
      const type = (response.headers.get('content-type') ?? '').split(';')[0]!.trim()
      return { body: await bounded(response, image), type }
    } catch (error) {
      signal?.throwIfAborted()
      throw EdgewrightError.is(error) ? error : failed(image, 'it cannot be reached', error)
    }
  }

  /** What to answer a challenge with: the login itself, or the token that the registry's own service gives for it. */
  async #authorization(image: ImageReference, challenge: string, signal?: AbortSignal): Promise<string> {
    const { host, repository } = placeOf(image)
    const wanted = [host, image.registry ?? 'https://index.docker.io/v1/'].map(name => name.toLowerCase())
    const login = this.#options.credentials?.().find(({ address }) => wanted.includes(address.toLowerCase()))
    const basic = login && `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`
    if (/^basic\b/i.test(challenge) && basic !== undefined) return basic
    const parameters = Object.fromEntries(
      [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name!.toLowerCase(), value!]),
    )
    if (parameters.realm === undefined) throw failed(image, 'it lets nobody in without credentials')
    const realm = new URL(parameters.realm)
    const isSafe = realm.protocol === 'https:' || this.#options.insecure?.includes(host)
    if (!isSafe) throw failed(image, 'it wants credentials in the clear')
    realm.searchParams.set('scope', `repository:${repository}:pull`)
    if (parameters.service !== undefined) realm.searchParams.set('service', parameters.service)
    const headers = new Headers(basic === undefined ? [] : [['authorization', basic]])
    const response = await fetch(realm, { headers, ...(signal && { signal }) })
    if (!response.ok) throw failed(image, `its service of tokens answered ${response.status}`)
    const answer = JSON.parse(Buffer.from(await bounded(response, image)).toString('utf8')) as Record<string, unknown>
    return `Bearer ${answer.token ?? answer.access_token}`
  }
}

function mediaTypeOf(body: Uint8Array): string | undefined {
  const { mediaType } = parsed(body)
  return typeof mediaType === 'string' ? mediaType : undefined
}

/** Empty when it is no JSON object. */
function parsed(body: Uint8Array): JsonObject {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'))
    return isJsonObject(value) ? value : {}
  } catch {
    return {}
  }
}

/** `sha256:…` of bytes. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

async function bounded(response: Response, image: ImageReference): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of response.body ?? []) {
    length += piece.byteLength
    if (length > MAX_BYTES) throw failed(image, `it gave more than ${MAX_BYTES} bytes`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

function placeOf({ registry, repository }: ImageReference): { readonly host: string; readonly repository: string } {
  if (registry !== undefined && !/^(index\.)?docker\.io$/i.test(registry)) return { host: registry, repository }
  return { host: 'registry-1.docker.io', repository: repository.includes('/') ? repository : `library/${repository}` }
}

function failed(image: ImageReference, reason: string, cause?: unknown): EdgewrightError {
  return new EdgewrightError('IMAGE_REGISTRY_FAILED', `The registry cannot be used: ${reason}`, {
    place: `${image.registry ?? 'docker.io'}/${image.repository}`,
    remedy: 'Check the registry, its credentials, and the network; it is tried again.',
    cause,
  })
}
