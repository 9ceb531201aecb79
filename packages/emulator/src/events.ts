import type { HubEvent } from './state/event.js'
import type { EventLog } from './state/event-log.js'

/** Which events are wanted. */
export type EventFilter = (event: HubEvent) => boolean

/** Where reading begins. */
export interface EventReadOptions {
  /** `start`: with the oldest that is kept; `latest`: with what comes from now on. @default 'start' */
  readonly from?: 'start' | 'latest'
  readonly where?: EventFilter
  /** Ends the reading without an error. */
  readonly signal?: AbortSignal
}

/** What a program reads of the hub's event log, without a connection. Nothing here polls. */
export class EmulatorEvents implements AsyncIterable<HubEvent> {
  readonly #current: () => EventLog

  /** @param current - gives the log of the running hub */
  constructor(current: () => EventLog) {
    this.#current = current
  }

  get #log(): EventLog {
    return this.#current()
  }

  /** What is kept now, in the order of arrival. */
  snapshot(where: EventFilter = all): readonly HubEvent[] {
    return [...this.#log].filter(where)
  }

  /** Everything that is kept, and then everything that comes. */
  [Symbol.asyncIterator](): AsyncIterator<HubEvent> {
    return this.read()
  }

  /** Events as they come, in order, until the signal or the end of the loop. */
  async *read({
    from = 'start',
    where = all,
    signal,
  }: EventReadOptions = {}): AsyncGenerator<HubEvent, void, undefined> {
    const waiting: HubEvent[] = from === 'start' ? [...this.#log] : []
    let wake = () => {}
    const stop = this.#log.watch(event => {
      waiting.push(event)
      wake()
    })
    const onAbort = () => wake()
    signal?.addEventListener('abort', onAbort)
    try {
      for (let next = 0; signal?.aborted !== true; ) {
        const event = waiting[next]
        if (event === undefined) {
          waiting.length = next = 0
          await new Promise<void>(resolve => (wake = resolve))
        } else {
          next += 1
          if (where(event)) yield event
        }
      }
    } finally {
      signal?.removeEventListener('abort', onAbort)
      stop()
    }
  }

  /**
   * Waits until so many events are there that are wanted, those that came before counted in.
   *
   * @returns all of them, which may be more
   * @throws the signal's reason when it is aborted first
   */
  until(count: number, { where = all, signal }: Omit<EventReadOptions, 'from'> = {}): Promise<readonly HubEvent[]> {
    return new Promise((resolve, reject) => {
      const found = this.snapshot(where) as HubEvent[]
      if (found.length >= count) return resolve(found)
      if (signal?.aborted) return reject(signal.reason)
      const end = () => {
        stop()
        signal?.removeEventListener('abort', onAbort)
      }
      const stop = this.#log.watch(event => {
        if (!where(event) || found.push(event) < count) return
        end()
        resolve(found)
      })
      const onAbort = () => {
        end()
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }
}

const all: EventFilter = () => true
