import { once } from 'node:events'
import type { AddressInfo, Server, Socket } from 'node:net'
import { EdgewrightError } from '@edgewright/core'

/** Where a listener listens. */
export interface ListenerAddress {
  readonly address: string
  /** 0: any that is free. */
  readonly port: number
}

/** A server and the connections it has accepted, so that it can be closed without waiting for them. */
export class Listener {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  /** @param admits - asked for each connection; one that may not is reset before anything is said */
  constructor(server: Server, admits: () => boolean) {
    this.#server = server
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      // A handshake that fails is the peer's affair; without a listener it would end the process.
      socket.on('error', () => undefined)
      socket.once('close', () => this.#sockets.delete(socket))
      if (!admits()) socket.resetAndDestroy()
    })
    server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy())
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#sockets.size
  }

  /**
   * @returns the port that was bound
   * @throws `EMULATOR_PORT_DENIED`, `EMULATOR_PORT_IN_USE`, `EMULATOR_LISTEN_FAILED`
   */
  async open({ address, port }: ListenerAddress): Promise<number> {
    try {
      const listening = once(this.#server, 'listening')
      this.#server.listen(port, address)
      await listening
    } catch (cause) {
      throw listenError(cause as NodeJS.ErrnoException, `${address}:${port}`)
    }
    return (this.#server.address() as AddressInfo).port
  }

  /** Stops accepting, and ends what was accepted. */
  async close(): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }
}

function listenError(cause: NodeJS.ErrnoException, place: string): EdgewrightError {
  if (cause.code === 'EACCES') {
    return new EdgewrightError('EMULATOR_PORT_DENIED', `The emulator may not listen on ${place}`, {
      place,
      cause,
      remedy:
        'Allow ports below 1024 with "sysctl -w net.ipv4.ip_unprivileged_port_start=0" or the capability ' +
        'CAP_NET_BIND_SERVICE, or choose another port with the option "ports".',
    })
  }
  if (cause.code === 'EADDRINUSE') {
    return new EdgewrightError('EMULATOR_PORT_IN_USE', `Something else listens on ${place} already`, {
      place,
      cause,
      remedy: 'Stop it, or give the emulator another loopback address with the option "address".',
    })
  }
  return new EdgewrightError('EMULATOR_LISTEN_FAILED', `The emulator cannot listen on ${place}: ${cause.message}`, {
    place,
    cause,
    remedy: 'Choose an address of this machine with the option "address".',
  })
}
