import type { JsonValue, Logger, Sealer, Store, StorePut } from '@edgewright/core'

/** What a {@link SealedTable} works with. */
export interface SealedTableComponents {
  readonly store: Store
  readonly sealer: Sealer
  readonly logger: Logger
}

/** A table of the store whose rows are JSON, unreadable at rest. A row that cannot be read any more counts as absent. */
export class SealedTable<Row> {
  readonly #parts: SealedTableComponents
  readonly #table: string

  constructor(table: string, parts: SealedTableComponents) {
    this.#table = table
    this.#parts = parts
  }

  async get(key: string): Promise<Row | undefined> {
    const value = await this.#parts.store.get(this.#table, key)
    return value && this.#read(key, value)
  }

  async *entries(): AsyncIterable<readonly [key: string, row: Row]> {
    for await (const [key, value] of this.#parts.store.entries(this.#table)) {
      const row = this.#read(key, value)
      if (row !== undefined) yield [key, row]
    }
  }

  /** Resolves when durable. */
  async put(key: string, row: Row): Promise<void> {
    await this.#parts.store.write({ put: [this.row(key, row)] })
  }

  async delete(key: string): Promise<void> {
    await this.#parts.store.write({ put: [{ table: this.#table, key }] })
  }

  /** A row for a write of several. */
  row(key: string, row: Row): StorePut {
    return { table: this.#table, key, value: this.#parts.sealer.seal(Buffer.from(JSON.stringify(row))) }
  }

  #read(key: string, value: Uint8Array): Row | undefined {
    try {
      return JSON.parse(Buffer.from(this.#parts.sealer.unseal(value)).toString('utf8')) as JsonValue as Row
    } catch (error) {
      this.#parts.logger.log('error', 'a stored value cannot be read and is left out', {
        table: this.#table,
        key,
        error,
      })
      return undefined
    }
  }
}
