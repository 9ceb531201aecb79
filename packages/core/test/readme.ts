import { createMessage, EdgewrightError, memoryMeter, Service, sleep, systemClock } from '@edgewright/core'

const meter = memoryMeter()

/** Counts beats for as long as it runs. */
class Heart extends Service {
  readonly #beats = meter.counter('heart_beats')
  #ending = new AbortController()

  protected async onStart() {
    this.#ending = new AbortController()
    void this.#beat(this.#ending.signal).catch(() => undefined)
  }

  protected async onStop() {
    this.#ending.abort()
  }

  async #beat(signal: AbortSignal) {
    for (;;) {
      this.#beats.add()
      await sleep(systemClock, 1_000, signal)
    }
  }
}

await using heart = new Heart()
await Promise.all([heart.start(), heart.start()])

export const beats = meter.read()
export const message = createMessage({ body: '{"celsius":21}', properties: { unit: 'C' } })
export const refused = EdgewrightError.is(new EdgewrightError('STORE_FULL', 'The store is full'), 'STORE_FULL')
