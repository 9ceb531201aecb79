import type { OutgoingLink } from './outgoing-link.js'

/** What waits for a link to be attached and to have credit; bounded, the oldest goes first. */
export class Outbox {
  readonly #limit: number
  readonly #waiting: Buffer[] = []
  #link: OutgoingLink | undefined

  constructor(limit = 256) {
    this.#limit = limit
  }

  /** Takes an encoded message, and sends it as soon as it can go. */
  push(message: Buffer): void {
    this.#waiting.push(message)
    if (this.#waiting.length > this.#limit) this.#waiting.shift()
    if (this.#link !== undefined) this.flush(this.#link)
  }

  /** Sends over a link what it has room for; that link is used from now on. */
  flush(link: OutgoingLink): void {
    this.#link = link
    while (link.room > 0) {
      const message = this.#waiting.shift()
      if (message === undefined) return
      link.send(message)
    }
  }

  /** The link is gone, unless it is not the one in use. */
  detach(link: OutgoingLink): void {
    if (this.#link === link) this.#link = undefined
  }
}
