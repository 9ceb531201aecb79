import { type Clock, EdgewrightError, sleep, systemClock } from '@edgewright/core'
import type { Blob, BlobUpload } from './blob-upload.js'

/** What an {@link AzureBlobUpload} works with. */
export interface AzureBlobUploadComponents {
  readonly clock?: Clock
}

/** Bytes of one block: what is held of a blob at a time. */
const BLOCK_BYTES = 4_194_304
/** Source: Azure Storage, Put Block List: 50,000 blocks. */
const MAX_BLOCKS = 50_000
const API_VERSION = '2021-12-02'
/** Milliseconds before each further attempt. Source: agent reference, section 5.5: two retries, 5 to 20 s. */
const RETRIES = [5_000, 20_000]
/** Milliseconds that one block may take. */
const DEADLINE = 120_000

/**
 * Puts blobs into a container of Azure Storage by a signed URL, block after block, so that a blob of any size takes little
 * memory. Source: Azure Storage REST API, Put Block and Put Block List.
 */
export class AzureBlobUpload implements BlobUpload {
  readonly #clock: Clock

  constructor({ clock = systemClock }: AzureBlobUploadComponents = {}) {
    this.#clock = clock
  }

  /** @throws `UPLOAD_FAILED`; its text holds nothing of the signature */
  async put(containerUrl: string, { name, contentType, content }: Blob, signal: AbortSignal): Promise<void> {
    const url = blobUrl(containerUrl, name)
    const ids: string[] = []
    for await (const block of blocksOf(content)) {
      if (ids.length >= MAX_BLOCKS) throw failed(url, 'it is too large')
      const id = Buffer.from(String(ids.length).padStart(6, '0')).toString('base64')
      await this.#send(url, { comp: 'block', blockid: id }, block, {}, signal)
      ids.push(id)
    }
    const list = ids.map(id => `<Latest>${id}</Latest>`).join('')
    const body = Buffer.from(`<?xml version="1.0" encoding="utf-8"?><BlockList>${list}</BlockList>`)
    await this.#send(url, { comp: 'blocklist' }, body, { 'x-ms-blob-content-type': contentType }, signal)
  }

  async #send(
    url: URL,
    query: Readonly<Record<string, string>>,
    body: Uint8Array,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<void> {
    const target = new URL(url)
    for (const [name, value] of Object.entries(query)) target.searchParams.set(name, value)
    for (let attempt = 0; ; attempt++) {
      const problem = await attemptPut(target, body, headers, signal)
      if (problem === undefined) return
      const delay = RETRIES[attempt]
      if (delay === undefined || !problem.isPassing) throw failed(url, problem.reason)
      await sleep(this.#clock, delay, signal)
    }
  }
}

/** @returns what went wrong, and whether it may pass; undefined when the storage took it */
async function attemptPut(url: URL, body: Uint8Array, headers: Readonly<Record<string, string>>, signal: AbortSignal) {
  try {
    const response = await fetch(url, {
      method: 'PUT',
      headers: { 'x-ms-version': API_VERSION, ...headers },
      body: body as Uint8Array<ArrayBuffer>,
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(DEADLINE)]),
    })
    await response.body?.cancel()
    if (response.ok) return undefined
    const { status } = response
    return { reason: `it answered ${status}`, isPassing: status >= 500 || status === 429 || status === 408 }
  } catch {
    signal.throwIfAborted()
    return { reason: 'it cannot be reached', isPassing: true }
  }
}

/** Pieces of the size of a block, the last one smaller. */
async function* blocksOf(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  let pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of content) {
    pieces.push(piece)
    size += piece.byteLength
    while (size >= BLOCK_BYTES) {
      const whole = Buffer.concat(pieces)
      yield whole.subarray(0, BLOCK_BYTES)
      pieces = [whole.subarray(BLOCK_BYTES)]
      size -= BLOCK_BYTES
    }
  }
  if (size > 0) yield Buffer.concat(pieces)
}

function blobUrl(containerUrl: string, name: string): URL {
  const url = URL.canParse(containerUrl) ? new URL(containerUrl) : undefined
  const isLoopback = url !== undefined && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)
  if (url === undefined || (url.protocol !== 'https:' && !isLoopback)) {
    throw new EdgewrightError('UPLOAD_FAILED', 'The blob cannot be uploaded: sasUrl is no https address', {
      remedy: 'Give the address of a container, with a signature that may create and write.',
    })
  }
  url.pathname = `${url.pathname.replace(/\/$/, '')}/${name.split('/').map(encodeURIComponent).join('/')}`
  return url
}

function failed({ host, pathname }: URL, reason: string): EdgewrightError {
  return new EdgewrightError('UPLOAD_FAILED', `The blob could not be uploaded: ${reason}`, {
    place: `${host}${pathname}`,
    remedy: 'Check the storage account, and that the signature may create and write and has not expired.',
  })
}
