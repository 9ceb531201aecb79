import type { Clock, Timer } from '@edgewright/core'
import type { Packet } from 'mqtt-packet'

interface Awaited {
  readonly sentAt: number
  readonly onAcknowledged: (packet: Packet) => void
}

const MAX_MESSAGE_ID = 65_535

/** Packets that wait for their acknowledgement, by message id; says when the oldest has waited too long. */
export class Acknowledgements {
  readonly #clock: Clock
  readonly #patience: number
  readonly #onOverdue: () => void
  readonly #awaited = new Map<number, Awaited>()
  #lastId = 0
  #timer: Timer | undefined

  /** @param patience - milliseconds */
  constructor(clock: Clock, patience: number, onOverdue: () => void) {
    this.#clock = clock
    this.#patience = patience
    this.#onOverdue = onOverdue
  }

  /** Takes a free id for a packet; the callback gets what acknowledges it, if anything does. */
  expect(onAcknowledged: (packet: Packet) => void): number {
    do this.#lastId = (this.#lastId % MAX_MESSAGE_ID) + 1
    while (this.#awaited.has(this.#lastId))
    this.#awaited.set(this.#lastId, { sentAt: this.#clock.monotonic(), onAcknowledged })
    this.#timer ??= this.#watch(this.#patience)
    return this.#lastId
  }

  /** An acknowledgement came; one that nobody waits for is passed over. */
  received(messageId: number, packet: Packet): void {
    const awaited = this.#awaited.get(messageId)
    this.#awaited.delete(messageId)
    awaited?.onAcknowledged(packet)
  }

  stop(): void {
    this.#timer?.cancel()
  }

  /** What was sent first is acknowledged first, so only the oldest needs watching. */
  #watch(delay: number): Timer {
    return this.#clock.after(delay, () => {
      this.#timer = undefined
      const [oldest] = this.#awaited.values()
      if (oldest === undefined) return
      const waited = this.#clock.monotonic() - oldest.sentAt
      if (waited >= this.#patience) this.#onOverdue()
      else this.#timer = this.#watch(this.#patience - waited)
    })
  }
}
