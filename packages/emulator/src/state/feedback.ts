import type { Identity } from '@edgewright/core'

/** What became of a cloud-to-device message. */
export type FeedbackStatus = 'Success' | 'Expired' | 'DeliveryCountExceeded' | 'Rejected' | 'Purged'

/** Tells the sender of a cloud-to-device message what became of it. */
export interface Feedback {
  readonly originalMessageId: string
  readonly identity: Identity
  readonly generationId: string
  readonly statusCode: FeedbackStatus
  /** Milliseconds since 1970 when it came to this. */
  readonly enqueuedTime: number
}

/** The most records one feedback message holds. */
export const MAX_FEEDBACK_BATCH = 64

const MAX_WAITING = 10_000

/** Feedback that waits for a back-end to take it. */
export class FeedbackQueue {
  #waiting: Feedback[] = []
  readonly #listeners = new Set<() => void>()

  add(feedback: Feedback): void {
    this.#waiting.push(feedback)
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift()
    for (const listener of [...this.#listeners]) listener()
  }

  /** Takes up to {@link MAX_FEEDBACK_BATCH} away, oldest first. */
  take(): readonly Feedback[] {
    return this.#waiting.splice(0, MAX_FEEDBACK_BATCH)
  }

  /** Puts back what was taken and not accepted. */
  giveBack(batch: readonly Feedback[]): void {
    this.#waiting = [...batch, ...this.#waiting]
  }

  /** Tells when there is something to take. @returns stops it */
  watch(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
