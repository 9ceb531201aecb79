import type { JsonValue } from '@edgewright/core'
import type { Table, TableSource } from '../state/table.js'
import { Journal } from './journal.js'
import { readLines } from './read-lines.js'

/** A change in the file: table, key, value; `null` for one that was deleted. */
type Change = readonly [table: string, key: string, value: JsonValue]

/** Characters appended before the file is rewritten to what it still says. */
const COMPACT_AFTER = 8_388_608

/** Tables in memory whose changes are written to a file, and found again. Values are JSON. */
export class JournaledTables implements TableSource {
  readonly #tables: Map<string, Map<string, unknown>>
  readonly #journal: Journal
  #appended = 0

  private constructor(tables: Map<string, Map<string, unknown>>, journal: Journal) {
    this.#tables = tables
    this.#journal = journal
  }

  /** @throws `EMULATOR_DATA_DAMAGED` */
  static async open(path: string): Promise<JournaledTables> {
    const tables = new Map<string, Map<string, unknown>>()
    const lines = await readLines(path)
    for (const [name, key, value] of lines as readonly Change[]) {
      const table = tables.get(name) ?? new Map<string, unknown>()
      tables.set(name, table)
      if (value === null) table.delete(key)
      else table.set(key, value)
    }
    const opened = new JournaledTables(tables, new Journal(path))
    // Also takes away a last line that was never finished, which the next one would be appended to.
    opened.#compact()
    return opened
  }

  table<Value>(name: string): Table<Value> {
    const records = (this.#tables.get(name) ?? new Map()) as Map<string, Value>
    this.#tables.set(name, records)
    const append = (key: string, value: Value | null) => this.#append([name, key, value as JsonValue])
    return {
      get size() {
        return records.size
      },
      get: key => records.get(key),
      values: () => records.values(),
      entries: () => records.entries(),
      set(key, value) {
        records.set(key, value)
        append(key, value)
      },
      delete(key) {
        const existed = records.delete(key)
        if (existed) append(key, null)
        return existed
      },
    }
  }

  /** Calls back when every change so far is written. */
  whenWritten(done: (failure?: Error) => void): void {
    this.#journal.whenWritten(done)
  }

  close(): Promise<void> {
    return this.#journal.close()
  }

  #append(change: Change): void {
    const line = JSON.stringify(change)
    this.#appended += line.length
    this.#journal.append(line)
    if (this.#appended > COMPACT_AFTER) this.#compact()
  }

  #compact(): void {
    this.#appended = 0
    this.#journal.replace(() => this.#lines())
  }

  *#lines(): IterableIterator<string> {
    for (const [name, records] of this.#tables) {
      for (const [key, value] of records) yield JSON.stringify([name, key, value])
    }
  }
}
