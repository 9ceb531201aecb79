import { FilterIndex } from './filter-index.js'

type Deliver = (packet: { readonly topic: string }, done: () => void) => void

/**
 * What aedes hands messages to its clients with, in place of its own emitter: that one lets a client that is slow to read
 * hold back everybody, because a message counts as under way until all have taken it.
 */
export class FanOut {
  readonly #index = new FilterIndex<Deliver>()

  on(filter: string, deliver: Deliver, done?: () => void): void {
    this.#index.add(filter, deliver)
    if (done !== undefined) setImmediate(done)
  }

  removeListener(filter: string, deliver: Deliver, done?: () => void): void {
    this.#index.remove(filter, deliver)
    if (done !== undefined) setImmediate(done)
  }

  emit(packet: { readonly topic: string }, done?: () => void): void {
    for (const deliver of this.#index.match(packet.topic)) deliver(packet, nobodyWaits)
    done?.()
  }

  close(done: () => void): void {
    setImmediate(done)
  }
}

function nobodyWaits(): void {}
