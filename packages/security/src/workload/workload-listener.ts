import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo, ListenOptions } from 'node:net'
import { EdgewrightError, type Logger } from '@edgewright/core'
import { forbidden, writeAnswer } from './answer.js'
import type { WorkloadLimits } from './limits.js'

/** Milliseconds that the head of a request may take. */
const HEADERS_TIMEOUT = 5_000

/** HTTP/1.1 for one module: on a Unix socket, or on a port of a loopback address. */
export class WorkloadListener {
  readonly #server: Server
  readonly #logger: Logger

  constructor(serve: RequestListener, { bodyTimeout, maxConnections }: Required<WorkloadLimits>, logger: Logger) {
    this.#logger = logger
    this.#server = createServer({
      headersTimeout: HEADERS_TIMEOUT,
      requestTimeout: HEADERS_TIMEOUT + 2 * bodyTimeout,
      connectionsCheckingInterval: HEADERS_TIMEOUT,
    })
    this.#server.maxConnections = maxConnections
    this.#server.on('request', (request, response) => {
      if (this.#isMeant(request)) serve(request, response)
      else writeAnswer(response, forbidden().answer)
    })
  }

  /** The port, or 0 for a Unix socket. */
  get port(): number {
    const address = this.#server.address() as AddressInfo | string
    return typeof address === 'string' ? 0 : address.port
  }

  /** @throws `WORKLOAD_LISTEN_FAILED` */
  async open(where: ListenOptions): Promise<void> {
    try {
      const listening = once(this.#server, 'listening')
      this.#server.listen(where)
      await listening
      this.#server.on('error', error => this.#logger.log('error', 'The workload API failed to accept', { error }))
    } catch (cause) {
      throw listenFailed(where.path ?? `${where.host}:${where.port}`, cause)
    }
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  /** A web page in a browser of this machine can reach a port, but can neither hide its origin nor choose the host. */
  #isMeant({ headers }: IncomingMessage): boolean {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') return true
    const hosts = [address.address, 'localhost'].map(host => `${host}:${address.port}`)
    return headers.origin === undefined && hosts.includes(headers.host?.toLowerCase() ?? '')
  }
}

/** That a module's entrance cannot be opened, and where. */
export function listenFailed(place: string, cause: unknown): EdgewrightError {
  return new EdgewrightError('WORKLOAD_LISTEN_FAILED', 'The workload API cannot listen', {
    place,
    remedy: 'Give a folder of this user on a file system that takes sockets, or a loopback address of this machine.',
    cause,
  })
}
