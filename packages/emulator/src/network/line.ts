import { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'

/** How a connection came in. */
export type LineTransport = 'amqp' | 'amqp-ws' | 'mqtt' | 'mqtt-ws'

/** What is known of a connection before it says anything. */
export interface LineInfo {
  /** 1, 2, 3 … in the order of acceptance over all listeners of one emulator. */
  readonly id: number
  readonly transport: LineTransport
  /** Address of the peer. */
  readonly peer: string
  /** The certificate the peer showed, DER; nothing has judged it. */
  readonly certificate?: Uint8Array | undefined
}

/** When what happens to a {@link Line}. */
export interface LineEvents {
  data: [chunk: Buffer]
  /** All is over, by the peer, by us or by a failure; once. */
  end: [error?: Error]
}

/**
 * One accepted connection as bytes: a TLS socket or a WebSocket, the protocol heads need not know which.
 * Has the few methods of a socket that they use. Writes of one turn of the event loop leave together.
 */
export class Line extends EventEmitter<LineEvents> {
  readonly info: LineInfo
  readonly #stream: Duplex
  #corked = false
  #ended = false

  constructor(stream: Duplex, info: LineInfo) {
    super()
    this.info = info
    this.#stream = stream
    stream.on('data', (chunk: Buffer) => this.emit('data', chunk))
    stream.on('error', error => this.#over(error))
    stream.on('end', () => this.#over())
    stream.on('close', () => this.#over())
  }

  /** Whether nothing more will come or go. */
  get isOver(): boolean {
    return this.#ended
  }

  /** Bytes that were written and have not left yet. */
  get backlog(): number {
    return this.#stream.writableLength
  }

  write(chunk: Uint8Array): void {
    if (this.#ended || this.#stream.writableEnded) return
    if (!this.#corked) {
      this.#corked = true
      this.#stream.cork()
      process.nextTick(() => {
        this.#corked = false
        this.#stream.uncork()
      })
    }
    this.#stream.write(chunk)
  }

  /** Sends what was written and closes. */
  end(): void {
    this.#stream.end()
  }

  /** Closes at once; the peer sees a reset where the transport can say it. */
  destroy(): void {
    this.#stream.destroy()
    this.#over()
  }

  #over(error?: Error): void {
    if (this.#ended) return
    this.#ended = true
    this.emit('end', error)
  }
}
