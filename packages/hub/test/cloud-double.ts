import {
  ACCEPTED,
  applyMergePatch,
  type CloudHandlers,
  type CloudSession,
  type Connectivity,
  type DeliveryOutcome,
  type Identity,
  identityKey,
  type JsonObject,
  type Message,
  Service,
  type Twin,
  type Upstream,
  type UpstreamEvents,
} from '@edgewright/core'

/** What reached the cloud. */
export interface Arrival {
  readonly sender: string
  readonly text: string
  readonly message: Message
}

/** A cloud in memory whose link, answers and twins a test holds in its hands. */
export class CloudDouble extends Service<UpstreamEvents> implements Upstream {
  readonly arrivals: Arrival[] = []
  readonly handlers = new Map<string, CloudHandlers>()
  readonly reports: { readonly identity: string; readonly patch: JsonObject }[] = []
  /** What is in the cloud, for every identity; what each reports is added to its own. */
  twin: Twin = { desired: { properties: {}, version: 1 }, reported: { properties: {}, version: 1 } }
  /** What becomes of a message; everything is accepted by default. */
  answer: (arrival: Arrival) => DeliveryOutcome = () => ACCEPTED
  /** What becomes of a report or a read: an error here is thrown. */
  twinFailure: ((operation: 'get' | 'report', patch?: JsonObject) => Error | undefined) | undefined
  /** Whether sending never ends. */
  hang = false
  #connectivity: Connectivity = { type: 'offline', since: 0, reason: 'not started' }
  #waiting: { count: number; resolve: () => void }[] = []

  get connectivity(): Connectivity {
    return this.#connectivity
  }

  goOnline(): void {
    this.#connectivity = { type: 'online', since: 0 }
    this.emit('connectivity', this.#connectivity)
    for (const { listening } of this.handlers.values()) listening?.()
  }

  goOffline(): void {
    this.#connectivity = { type: 'offline', since: 0, reason: 'cut' }
    this.emit('connectivity', this.#connectivity)
  }

  /** Resolves when so many messages have been accepted. */
  arrived(count: number): Promise<void> {
    if (this.arrivals.length >= count) return Promise.resolve()
    return new Promise(resolve => this.#waiting.push({ count, resolve }))
  }

  session(identity: Identity): CloudSession {
    const sender = identityKey(identity)
    return {
      identity,
      send: async (batch, signal) => {
        if (this.hang) await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
        return batch.map(message => this.#take({ sender, text: Buffer.from(message.body).toString(), message }))
      },
      getTwin: async () => {
        const failure = this.twinFailure?.('get')
        if (failure !== undefined) throw failure
        const reported = this.reports.filter(({ identity }) => identity === sender)
        const properties = reported.reduce(
          (all, { patch }) => applyMergePatch(all, patch),
          this.twin.reported.properties,
        )
        return { ...this.twin, reported: { ...this.twin.reported, properties } }
      },
      report: async patch => {
        const failure = this.twinFailure?.('report', patch)
        if (failure !== undefined) throw failure
        this.reports.push({ identity: sender, patch })
        return this.reports.length + 1
      },
      handle: handlers => {
        this.handlers.set(sender, handlers)
        if (this.#connectivity.type === 'online') queueMicrotask(() => handlers.listening?.())
      },
      close: async () => undefined,
    }
  }

  protected async onStart(): Promise<void> {}
  protected async onStop(): Promise<void> {}

  #take(arrival: Arrival): DeliveryOutcome {
    const outcome = this.answer(arrival)
    if (outcome.kind === 'accepted') this.arrivals.push(arrival)
    this.#waiting = this.#waiting.filter(({ count, resolve }) => {
      if (this.arrivals.length < count) return true
      resolve()
      return false
    })
    return outcome
  }
}
