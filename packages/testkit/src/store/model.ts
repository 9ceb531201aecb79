import assert from 'node:assert/strict'
import type { QueueEntry, Store, StoreChange } from '@edgewright/core'
import { drain } from './fixture.js'

/** What a store holds, in a form that compares with `deepEqual`. */
export interface StoreContents {
  readonly queues: Readonly<Record<string, { readonly next: number; readonly entries: readonly string[] }>>
  readonly rows: Readonly<Record<string, string>>
}

interface ModelQueue {
  next: number
  readonly entries: Map<number, QueueEntry>
}

/** The port in its simplest form: what any store must hold after the same changes. */
export class StoreModel {
  readonly #queues = new Map<string, ModelQueue>()
  readonly #tables = new Map<string, Map<string, Uint8Array>>()

  apply({ remove = [], append = [], put = [] }: StoreChange): void {
    for (const { queue, from = 0, through } of remove) {
      const entries = this.#queues.get(queue)?.entries
      for (const position of entries?.keys() ?? []) {
        if (position >= from && position <= through) entries?.delete(position)
      }
    }
    for (const { payload, queues } of append) {
      for (const { queue: name, expiresAt } of queues) {
        const queue = this.#queue(name)
        const position = queue.next++
        queue.entries.set(position, { position, payload, expiresAt })
      }
    }
    for (const { table, key, value } of put) {
      if (value === undefined) this.#tables.get(table)?.delete(key)
      else this.#table(table).set(key, value)
    }
  }

  /** Positions that wait in a queue, in order. */
  positions(queue: string): number[] {
    return [...(this.#queues.get(queue)?.entries.keys() ?? [])]
  }

  contents(): StoreContents {
    const queues: Record<string, { next: number; entries: string[] }> = {}
    for (const [name, { next, entries }] of this.#queues) {
      queues[name] = { next, entries: Array.from(entries.values(), describeEntry) }
    }
    const rows: Record<string, string> = {}
    for (const [table, values] of this.#tables) {
      for (const [key, value] of values) rows[`${table}/${key}`] = describeBytes(value)
    }
    return { queues: sorted(queues), rows: sorted(rows) }
  }

  /** What a store holds of everything that this model knows of, and whatever else is in its queues. */
  async read(store: Store): Promise<StoreContents> {
    const queues: Record<string, { next: number; entries: string[] }> = {}
    const names = new Set([...this.#queues.keys(), ...store.queues().map(state => state.queue)])
    for (const name of names) {
      const { next, length, bytes, head } = store.queue(name)
      const entries = await drain(store, name)
      const size = entries.reduce((sum, entry) => sum + entry.payload.byteLength, 0)
      const state = { length: entries.length, bytes: size, head: entries[0]?.position ?? next }
      assert.deepEqual({ length, bytes, head }, state, `the state of queue ${name} does not agree with its entries`)
      if (next > 0) queues[name] = { next, entries: entries.map(describeEntry) }
    }
    const rows: Record<string, string> = {}
    for (const table of this.#tables.keys()) {
      for await (const [key, value] of store.entries(table)) rows[`${table}/${key}`] = describeBytes(value)
    }
    return { queues: sorted(queues), rows: sorted(rows) }
  }

  /** Asserts that a store holds exactly what this model holds. */
  async assertHolds(store: Store): Promise<void> {
    assert.deepEqual(await this.read(store), this.contents())
  }

  #queue(name: string): ModelQueue {
    const queue = this.#queues.get(name) ?? { next: 0, entries: new Map() }
    this.#queues.set(name, queue)
    return queue
  }

  #table(name: string): Map<string, Uint8Array> {
    const table = this.#tables.get(name) ?? new Map<string, Uint8Array>()
    this.#tables.set(name, table)
    return table
  }
}

function describeEntry({ position, payload, expiresAt }: QueueEntry): string {
  return `${position} ${describeBytes(payload)} ${expiresAt ?? 'never'}`
}

/** Length and a digest that a changed, swapped or lost byte changes. */
function describeBytes(bytes: Uint8Array): string {
  let digest = 0
  for (const byte of bytes) digest = (Math.imul(digest, 31) + byte + 1) | 0
  return `${bytes.byteLength}:${digest}`
}

function sorted<T>(record: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** A change such as a hub makes: appends with fan-out, heads and single entries removed, rows put and deleted. */
export function randomChange(random: () => number, model: StoreModel, largest = 2_000): StoreChange {
  const pick = (count: number): number => Math.floor(random() * count)
  const queue = (): string => `queue ${pick(5)}`
  const bytes = (): Buffer => Buffer.alloc(pick(2) === 0 ? pick(40) : pick(largest), `${pick(1_000_000)}-`)
  const times = (count: number) => Array.from({ length: count })
  const expiresAt = (): number | undefined => (pick(3) === 0 ? 1_700_000_000_000 + pick(1_000_000) : undefined)
  const append = times(pick(4)).map(() => ({
    payload: bytes(),
    queues: times(1 + pick(3)).map(() => ({ queue: queue(), expiresAt: expiresAt() })),
  }))
  const remove = times(pick(3)).map(() => {
    const name = queue()
    const positions = model.positions(name)
    const through = positions[pick(Math.ceil(positions.length / 2))] ?? 0
    return pick(2) === 0 ? { queue: name, through } : { queue: name, from: through, through: through + pick(3) }
  })
  const put = times(pick(3)).map(() => ({
    table: `table ${pick(2)}`,
    key: `key ${pick(20)}`,
    value: pick(4) === 0 ? undefined : bytes(),
  }))
  return { append, remove, put }
}
