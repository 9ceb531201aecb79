import { type Clock, EdgewrightError, type Message, type Store, type StorePut } from '@edgewright/core'
import { decodeMessage } from './message-codec.js'

const TABLE = 'dead-letters'

/** A message that could not be delivered, with the reason. */
export interface DeadLetter {
  /** Names it in {@link DeadLetters.retry} and {@link DeadLetters.drop}; sorts by time. */
  readonly key: string
  /** The endpoint that did not take it. */
  readonly endpoint: string
  readonly reason: string
  /** Milliseconds since 1970 when it was parked. */
  readonly at: number
  /** Undefined when its bytes cannot be read. */
  readonly message: Message | undefined
}

/** Messages set aside: never lost, never in the way. */
export class DeadLetters {
  readonly #store: Store
  readonly #clock: Clock

  constructor(parts: { readonly store: Store; readonly clock: Clock }) {
    this.#store = parts.store
    this.#clock = parts.clock
  }

  /** The row that parks a payload; for the same write that takes it out of its queue. Parking twice keeps one. */
  row(endpoint: string, payload: Uint8Array, id: string, reason: string): StorePut {
    const header = Buffer.from(JSON.stringify({ endpoint, reason, at: this.#clock.now() }))
    const value = Buffer.allocUnsafe(4 + header.length + payload.byteLength)
    value.writeUInt32BE(header.length, 0)
    header.copy(value, 4)
    value.set(payload, 4 + header.length)
    return { table: TABLE, key: `${id} ${endpoint}`, value }
  }

  /** All of them, in order of key. */
  async *list(): AsyncIterable<DeadLetter> {
    for await (const [key, value] of this.#store.entries(TABLE)) yield this.#read(key, value).letter
  }

  /**
   * One of them.
   *
   * @throws `DEAD_LETTER_NOT_FOUND`
   */
  async show(key: string): Promise<DeadLetter> {
    return (await this.#find(key)).letter
  }

  /**
   * Forgets one.
   *
   * @throws `DEAD_LETTER_NOT_FOUND`
   */
  async drop(key: string): Promise<void> {
    await this.#find(key)
    await this.#store.write({ put: [{ table: TABLE, key }] })
  }

  /**
   * Puts one back, behind what waits in the queue.
   *
   * @param queueFor - the queue of its endpoint
   * @returns the queue it went to
   * @throws `DEAD_LETTER_NOT_FOUND`
   */
  async retry(key: string, queueFor: (letter: DeadLetter) => string): Promise<string> {
    const { letter, payload } = await this.#find(key)
    const queue = queueFor(letter)
    await this.#store.write({ append: [{ payload, queues: [{ queue }] }], put: [{ table: TABLE, key }] })
    return queue
  }

  async #find(key: string): Promise<{ letter: DeadLetter; payload: Uint8Array }> {
    const value = await this.#store.get(TABLE, key)
    if (value !== undefined) return this.#read(key, value)
    throw new EdgewrightError('DEAD_LETTER_NOT_FOUND', 'There is no such dead letter', {
      place: key,
      remedy: 'List the dead letters for their keys.',
    })
  }

  #read(key: string, value: Uint8Array): { letter: DeadLetter; payload: Uint8Array } {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    const end = 4 + bytes.readUInt32BE(0)
    const { endpoint, reason, at } = JSON.parse(bytes.toString('utf8', 4, end))
    const payload = bytes.subarray(end)
    let message: Message | undefined
    try {
      message = decodeMessage(payload)
    } catch {
      message = undefined
    }
    return { letter: { key, endpoint, reason, at, message }, payload }
  }
}
