import type { Address } from './address.js'

/** Where a row's value lies. */
export interface Row {
  readonly address: Address
  readonly length: number
}

/** One table: where the values of its rows lie. */
export class LogTable {
  readonly rows = new Map<string, Row>()
  /** As for a queue. */
  declared: 'durable' | 'pending' | 'no' = 'no'

  constructor(
    readonly id: number,
    readonly name: string,
  ) {}
}
