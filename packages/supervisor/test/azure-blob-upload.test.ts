import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { virtualClock } from '@edgewright/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AzureBlobUpload } from '../src/index.js'

const MEGABYTE = 1_048_576

describe('AzureBlobUpload', () => {
  /** Blocks by their id, and blobs that were made of them. */
  const blocks = new Map<string, Buffer>()
  const blobs = new Map<string, { readonly type: string | undefined; readonly content: Buffer }>()
  const answers: number[] = []
  const server = createServer((request, response) => {
    void take(request).then(status => response.writeHead(answers.shift() ?? status).end('<Error/>'))
  })
  let container: string

  beforeEach(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    container = `http://127.0.0.1:${(server.address() as AddressInfo).port}/logs?sv=2021&sig=s3cret%2F`
  })

  afterEach(async () => {
    blocks.clear()
    blobs.clear()
    answers.length = 0
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })

  async function take(request: IncomingMessage): Promise<number> {
    const { pathname, searchParams } = new URL(request.url!, 'http://storage')
    const body = await buffer(request)
    if (searchParams.get('sig') !== 's3cret/') return 403
    if (searchParams.get('comp') === 'block') {
      blocks.set(searchParams.get('blockid')!, body)
      return 201
    }
    const ids = [...body.toString().matchAll(/<Latest>([^<]+)<\/Latest>/g)].map(([, id]) => id!)
    const type = request.headers['x-ms-blob-content-type'] as string | undefined
    blobs.set(pathname, { type, content: Buffer.concat(ids.map(id => blocks.get(id)!)) })
    return 201
  }

  async function* pieces(...content: Uint8Array[]) {
    yield* content
  }

  const blob = (...content: Uint8Array[]) => ({
    name: 'hub/press 7/sensor.log',
    contentType: 'text/plain',
    content: pieces(...content),
  })
  const never = new AbortController().signal

  it('puts a blob of any size, block after block', async () => {
    const content = [Buffer.alloc(3 * MEGABYTE, 1), Buffer.alloc(3 * MEGABYTE, 2), Buffer.alloc(5 * MEGABYTE, 3)]
    await new AzureBlobUpload().put(container, blob(...content), never)
    const kept = blobs.get('/logs/hub/press%207/sensor.log')!
    expect(kept.type).toBe('text/plain')
    expect(kept.content.equals(Buffer.concat(content))).toBe(true)
    expect(Math.max(...[...blocks.values()].map(({ byteLength }) => byteLength))).toBe(4 * MEGABYTE)
  })

  it('keeps an empty blob too', async () => {
    await new AzureBlobUpload().put(container, blob(), never)
    expect(blobs.get('/logs/hub/press%207/sensor.log')!.content.byteLength).toBe(0)
  })

  it('tries twice more when the storage is busy', async () => {
    const clock = virtualClock()
    answers.push(503, 500)
    const put = new AzureBlobUpload({ clock }).put(container, blob(Buffer.from('text')), never)
    await expect.poll(() => answers.length).toBe(1)
    const later = async (milliseconds: number) => {
      await clock.advance(milliseconds)
      return { answers: answers.length, blobs: blobs.size }
    }
    await expect.poll(() => later(5_000)).toMatchObject({ answers: 0 })
    await expect.poll(() => later(20_000)).toMatchObject({ blobs: 1 })
    await put
  })

  it('says why it cannot, without the signature', async () => {
    const wrong = new AzureBlobUpload().put(container.replace('s3cret', 'guess'), blob(Buffer.from('x')), never)
    const error = await wrong.catch((thrown: Error) => thrown)
    expect(error).toMatchObject({ code: 'UPLOAD_FAILED', message: expect.stringContaining('403') })
    expect(JSON.stringify(error) + String(error)).not.toContain('guess')
    for (const url of ['nonsense', 'http://storage.example/logs?sig=1', 'file:///etc']) {
      await expect(new AzureBlobUpload().put(url, blob(), never)).rejects.toMatchObject({ code: 'UPLOAD_FAILED' })
    }
  })
})
