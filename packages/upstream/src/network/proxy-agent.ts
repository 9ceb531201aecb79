import { Agent, type AgentOptions } from 'node:https'
import type { Duplex } from 'node:stream'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { openTcpThroughProxy } from './proxy.js'
import type { TcpOpener } from './tls-stream.js'

/** What Node tells an agent about the connection it wants. */
type Wanted = AgentOptions & ConnectionOptions & { readonly signal?: AbortSignal | undefined }

/**
 * Takes HTTPS requests of Node through a proxy, by CONNECT.
 *
 * @param address - `http://user:password@host:port`; the password never reaches an error
 * @throws `PROXY_INVALID` when the address cannot be read
 */
export function proxyAgent(address: string): Agent {
  return new ProxyAgent(openTcpThroughProxy(address))
}

class ProxyAgent extends Agent {
  readonly #openTcp: TcpOpener

  constructor(openTcp: TcpOpener) {
    super({ keepAlive: false })
    this.#openTcp = openTcp
  }

  override createConnection(options: Wanted, callback?: (error: Error | null, stream: Duplex) => void): undefined {
    const { host = 'localhost', port = 443, signal = AbortSignal.timeout(CONNECT_TIMEOUT) } = options
    this.#openTcp(host, Number(port), signal).then(
      socket => callback?.(null, connectTls({ ...options, socket })),
      error => callback?.(error, undefined as unknown as Duplex),
    )
    return undefined
  }
}

/** Milliseconds that the proxy gets where the request says nothing. */
const CONNECT_TIMEOUT = 30_000
