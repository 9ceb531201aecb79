import { randomUUID } from 'node:crypto'
import type { Clock, HubSession, JsonObject, Logger } from '@edgewright/core'
import { formatHubTopic } from '@edgewright/protocol'
import { formatFailure, formatTwin, type TwinFailure, twinFailure } from '../control-bodies.js'

/** What the twin requests of a client work with. */
export interface TwinRequestOptions {
  /** Who asks, for the log. */
  readonly client: string
  readonly clock: Clock
  readonly logger: Logger
  /** Sends an answer to the client. */
  readonly publish: (topic: string, body: string) => void
}

/** Answers what one client asks of its twin. Source: wire reference, section 2.7. */
export class TwinRequests {
  readonly #session: HubSession
  readonly #options: TwinRequestOptions

  constructor(session: HubSession, options: TwinRequestOptions) {
    this.#session = session
    this.#options = options
  }

  /** Resolves once the twin, or why there is none, was sent. */
  async get(requestId: string): Promise<void> {
    try {
      this.#answer(requestId, 200, undefined, formatTwin(await this.#session.getTwin()))
    } catch (error) {
      this.fail(requestId, twinFailure(error))
    }
  }

  /** Resolves once the report is done; without a request id nobody is told. */
  async report(requestId: string | undefined, patch: JsonObject): Promise<void> {
    try {
      const version = await this.#session.report(patch)
      if (requestId !== undefined) this.#answer(requestId, 204, version, '')
    } catch (error) {
      if (requestId !== undefined) this.fail(requestId, twinFailure(error))
    }
  }

  /** Tells that a request has failed. */
  fail(requestId: string, failure: TwinFailure): void {
    const { client, clock, logger } = this.#options
    const trackingId = randomUUID()
    logger.log('info', 'twin request failed', { client, trackingId, reason: failure.message })
    this.#answer(requestId, failure.status, undefined, formatFailure(failure, trackingId, clock.now()))
  }

  #answer(requestId: string, status: number, version: number | undefined, body: string): void {
    this.#options.publish(formatHubTopic({ kind: 'twin-response', status, requestId, version }), body)
  }
}
