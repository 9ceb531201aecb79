/** How an upstream speaks with the hub. */
export type TransportName = 'amqp' | 'amqp-ws' | 'mqtt' | 'mqtt-ws'

/** Attempts of the preferred transport that must fail in a row, as if it were blocked, before others are tried. */
const PATIENCE = 3

/**
 * Which transport to try next: the preferred one; when it seems to be blocked, every other time one of the rest in
 * turn; and the one that worked last as long as the preferred one does not.
 */
export class TransportChoice {
  readonly #order: readonly TransportName[]
  #blocked = 0
  #attempts = 0
  #lastGood: TransportName | undefined

  /** @param order - by preference, at least one */
  constructor(order: readonly TransportName[]) {
    this.#order = order
  }

  /** The one to be on when everything works. */
  get preferred(): TransportName {
    return this.#order[0]!
  }

  next(): TransportName {
    const rest = this.#order.slice(1)
    if (rest.length === 0 || this.#blocked < PATIENCE) return this.preferred
    const attempt = this.#attempts++
    if (this.#lastGood !== undefined) return attempt % 2 === 0 ? this.#lastGood : this.preferred
    return attempt % 2 === 0 ? rest[(attempt / 2) % rest.length]! : this.preferred
  }

  /** @param isBlocked - whether the failure is of the kind that something in between may cause */
  failed(transport: TransportName, isBlocked: boolean): void {
    if (transport === this.#lastGood) this.#lastGood = undefined
    if (transport === this.preferred && isBlocked) this.#blocked += 1
  }

  succeeded(transport: TransportName): void {
    this.#attempts = 0
    if (transport === this.preferred) this.#blocked = 0
    else this.#lastGood = transport
  }
}
