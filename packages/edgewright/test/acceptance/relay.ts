import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** A way between clients and a server that can be cut: the same ports on an address of its own. */
export class Relay implements AsyncDisposable {
  readonly address: string
  /** Connections that came, whether they are still there or not. */
  accepted = 0
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()

  private constructor(address: string) {
    this.address = address
  }

  static async open(address: string, target: string, ports: readonly number[]): Promise<Relay> {
    const relay = new Relay(address)
    for (const port of ports) {
      const server = createServer(socket => relay.#accept(socket, connect(port, target)))
      server.listen(port, address)
      await once(server, 'listening')
      relay.#servers.push(server)
    }
    return relay
  }

  /** Every connection breaks, without a word. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    await Promise.all(this.#servers.map(server => new Promise(resolve => server.close(resolve))))
  }

  #accept(client: Socket, server: Socket): void {
    this.accepted += 1
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from)
      from.pipe(to)
      from.on('error', () => undefined)
      from.on('close', () => {
        this.#sockets.delete(from)
        to.destroy()
      })
    }
  }
}
