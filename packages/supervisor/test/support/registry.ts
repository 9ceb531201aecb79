import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type KeyObject, sign } from 'node:crypto'
import { digestOf } from '../../src/images/oci-registry.js'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'

/** A registry on loopback that lets in whoever has a token. Source: OCI Distribution 1.1, pull. */
export class Registry {
  readonly credential = { id: 'test', address: '', username: 'puller', password: 's3cret' }
  readonly #contents = new Map<string, Buffer>()
  readonly #server = createServer((request, response) => this.#answer(request, response))

  async start(): Promise<string> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve))
    const host = `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
    this.credential.address = host
    return host
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  /** Gives an image a tag. @returns its digest */
  push(repository: string, tag: string, text: string): string {
    return this.#manifest(repository, tag, { schemaVersion: 2, mediaType: MANIFEST, config: { text } })
  }

  /** Signs what a digest names, as cosign does; about another digest when that is given. */
  sign(repository: string, digest: string, key: KeyObject, about = digest): void {
    const image = { 'docker-manifest-digest': about }
    const critical = { identity: { 'docker-reference': '' }, image, type: 'cosign container image signature' }
    const statement = Buffer.from(JSON.stringify({ critical, optional: null }))
    const algorithm = key.asymmetricKeyType === 'ed25519' ? null : 'sha256'
    const signature = sign(algorithm, statement, key).toString('base64')
    const layer = {
      mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
      digest: digestOf(statement),
      annotations: { 'dev.cosignproject.cosign/signature': signature },
    }
    this.#contents.set(`/v2/${repository}/blobs/${layer.digest}`, statement)
    this.#manifest(repository, `${digest.replace(':', '-')}.sig`, { schemaVersion: 2, layers: [layer] })
  }

  /** Keeps bytes. @returns their descriptor, without a type */
  blob(repository: string, content: Buffer): { readonly digest: string; readonly size: number } {
    const digest = digestOf(content)
    this.#contents.set(`/v2/${repository}/blobs/${digest}`, content)
    return { digest, size: content.byteLength }
  }

  /** What a name means: its manifest as it is kept. */
  content(repository: string, reference: string): Buffer {
    return this.#contents.get(`/v2/${repository}/manifests/${reference}`)!
  }

  /** Keeps a manifest that refers to another: in the registry's own listing, or under the tag that stands in for it. */
  refer(repository: string, subject: string, manifest: object, by: 'listing' | 'tag'): void {
    const { artifactType } = manifest as { artifactType?: string }
    const body = Buffer.from(JSON.stringify(manifest))
    const digest = digestOf(body)
    this.#contents.set(`/v2/${repository}/manifests/${digest}`, body)
    const place = by === 'listing' ? `referrers/${subject}` : `manifests/${subject.replace(':', '-')}`
    const before = this.#contents.get(`/v2/${repository}/${place}`)
    const entries = before === undefined ? [] : JSON.parse(before.toString()).manifests
    const manifests = [...entries, { mediaType: MANIFEST, artifactType, digest, size: body.byteLength }]
    const index = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests }
    this.#contents.set(`/v2/${repository}/${place}`, Buffer.from(JSON.stringify(index)))
  }

  #manifest(repository: string, tag: string, content: object): string {
    const body = Buffer.from(JSON.stringify(content))
    const digest = digestOf(body)
    for (const name of [tag, digest]) this.#contents.set(`/v2/${repository}/manifests/${name}`, body)
    return digest
  }

  #answer({ url = '', headers }: IncomingMessage, response: ServerResponse): void {
    const { address, username, password } = this.credential
    if (url.startsWith('/token?')) {
      const isKnown = headers.authorization === `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
      response.writeHead(isKnown ? 200 : 401).end(JSON.stringify({ token: 'granted' }))
    } else if (headers.authorization !== 'Bearer granted') {
      const challenge = `Bearer realm="http://${address}/token",service="test"`
      response.writeHead(401, { 'www-authenticate': challenge }).end()
    } else {
      const content = this.#contents.get(url.split('?', 1)[0]!)
      response.writeHead(content === undefined ? 404 : 200).end(content)
    }
  }
}
