import { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type { Clock } from '@edgewright/core'
import { Lane, type LaneShape } from './lane.js'

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

/** Bytes held in one direction before the connection's own flow control has to do. */
const MAX_HELD = 8_388_608

/**
 * One accepted connection as bytes: a TLS socket or a WebSocket, the protocol heads need not know which.
 * Has the few methods of a socket that they use. Writes of one turn of the event loop leave together.
 */
export class Line extends EventEmitter<LineEvents> {
  readonly info: LineInfo
  readonly #stream: Duplex
  readonly #inward: Lane
  readonly #outward: Lane
  #isCorked = false
  #isOver = false

  constructor(stream: Duplex, info: LineInfo, clock: Clock) {
    super()
    this.info = info
    this.#stream = stream
    this.#inward = new Lane(clock, chunk => this.#received(chunk as Buffer))
    this.#outward = new Lane(clock, chunk => this.#send(chunk))
    stream.on('data', (chunk: Buffer) => {
      this.#inward.push(chunk)
      if (this.#inward.held > MAX_HELD) stream.pause()
    })
    stream.on('error', error => this.#over(error))
    stream.on('end', () => this.#over())
    stream.on('close', () => this.#over())
  }

  /** Whether nothing more will come or go. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Bytes that were written and have not left yet. */
  get backlog(): number {
    return this.#stream.writableLength + this.#outward.held
  }

  /** Changes how bytes pass, either way; undefined: as they come. */
  shape(shape: LaneShape | undefined): void {
    this.#inward.shape(shape)
    this.#outward.shape(shape)
  }

  write(chunk: Uint8Array): void {
    if (!this.#isOver) this.#outward.push(chunk)
  }

  /** Sends what was written and closes. */
  end(): void {
    this.#stream.end()
  }

  /** Closes at once. */
  destroy(): void {
    this.#stream.destroy()
    this.#over()
  }

  #received(chunk: Buffer): void {
    if (this.#isOver) return
    this.emit('data', chunk)
    if (this.#inward.held < MAX_HELD && this.#stream.isPaused()) this.#stream.resume()
  }

  #send(chunk: Uint8Array): void {
    if (this.#stream.writableEnded) return
    if (!this.#isCorked) {
      this.#isCorked = true
      this.#stream.cork()
      process.nextTick(() => {
        this.#isCorked = false
        this.#stream.uncork()
      })
    }
    this.#stream.write(chunk)
  }

  #over(error?: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#inward.clear()
    this.#outward.clear()
    this.emit('end', error)
  }
}
