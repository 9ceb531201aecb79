import type { Duplex } from 'node:stream'
import { type Clock, type Gauge, type SessionEnd, sleep } from '@edgewright/core'

/** A connection of a front-end, whatever it speaks. */
export interface StoppableConnection {
  /** Reads nothing more, and resolves once what was read is stored and answered. */
  finish(): Promise<void>
  /** Says what there is to say, and ends. */
  close(end: SessionEnd): void
}

/** The open connections of a front-end. */
export class ConnectionSet {
  readonly #open = new Set<StoppableConnection>()
  readonly #clock: Clock
  readonly #gauge: Gauge
  #onEmpty: () => void = () => undefined

  /** @param gauge - told how many there are */
  constructor(clock: Clock, gauge: Gauge) {
    this.#clock = clock
    this.#gauge = gauge
  }

  /** Keeps a connection until its stream is gone. */
  add(connection: StoppableConnection, stream: Duplex): void {
    this.#open.add(connection)
    this.#gauge.set(this.#open.size)
    stream.once('close', () => {
      this.#open.delete(connection)
      this.#gauge.set(this.#open.size)
      if (this.#open.size === 0) this.#onEmpty()
    })
  }

  /**
   * Lets what was read become durable and answered, then ends all connections.
   *
   * @param patience - milliseconds for each of the two; what takes longer is left to itself
   */
  async stop(patience: number): Promise<void> {
    const connections = [...this.#open]
    await this.#within(patience, Promise.all(connections.map(connection => connection.finish())))
    const empty = new Promise<void>(resolve => {
      this.#onEmpty = resolve
      if (this.#open.size === 0) resolve()
    })
    for (const connection of connections) connection.close({ kind: 'hub-stopping' })
    await this.#within(patience, empty)
  }

  async #within(patience: number, work: Promise<unknown>): Promise<void> {
    const enough = new AbortController()
    await Promise.race([work, sleep(this.#clock, patience, enough.signal).catch(() => undefined)])
    enough.abort()
  }
}
