import assert from 'node:assert/strict'
import { EdgewrightError, type QueueEntry, type QueueReference, type Store, type StoreAppend } from '@edgewright/core'
import type { StoreFactory, StoreSettings, StoreUnderTest } from './subject.js'

/** Runs a test on fresh data with a started store, and puts everything away afterwards. */
export function withStore(
  make: StoreFactory,
  test: (store: Store, subject: StoreUnderTest) => Promise<void>,
  settings: StoreSettings = {},
): () => Promise<void> {
  return async () => {
    const subject = await make()
    try {
      await running(subject.open(settings), store => test(store, subject))
    } finally {
      await subject.dispose()
    }
  }
}

/** Starts a store, uses it and stops it. */
export async function running<T>(store: Store, use: (store: Store) => Promise<T>): Promise<T> {
  await store.start()
  try {
    return await use(store)
  } finally {
    await store.stop()
  }
}

/** An append of text to queues. */
export function append(text: string, ...queues: (string | QueueReference)[]): StoreAppend {
  return {
    payload: Buffer.from(text),
    queues: queues.map(queue => (typeof queue === 'string' ? { queue } : queue)),
  }
}

/** One append each, in order. */
export function appends(texts: readonly string[], ...queues: (string | QueueReference)[]): StoreAppend[] {
  return texts.map(text => append(text, ...queues))
}

/** `count` texts that tell their order. */
export function numbered(count: number, name = 'm'): string[] {
  return Array.from({ length: count }, (_, index) => `${name}${index}`)
}

/** Payloads as text. */
export function texts(entries: readonly QueueEntry[]): string[] {
  return entries.map(entry => text(entry.payload))
}

/** Bytes as text. */
export function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
}

/** Everything in a queue, read as a pump does: batch by batch from where the last one ended. */
export async function drain(store: Store, queue: string, limit = 100): Promise<QueueEntry[]> {
  const all: QueueEntry[] = []
  for (let from = 0; ; from = all.at(-1)!.position + 1) {
    const batch = await store.read(queue, { from, limit })
    if (batch.length === 0) return all
    all.push(...batch)
  }
}

/** Every row of a table as text. */
export async function rows(store: Store, table: string, prefix?: string): Promise<[key: string, value: string][]> {
  const all: [string, string][] = []
  for await (const [key, value] of store.entries(table, prefix)) all.push([key, text(value)])
  return all
}

/** Asserts that a promise rejects with one of our codes, carrying a remedy where a person can act. */
export async function rejectsWith(code: string, promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(EdgewrightError.is(error, code), `expected ${code}, got ${error instanceof Error ? error.stack : error}`)
    assert.ok(error.remedy, `${code} says nothing about what to do`)
    return true
  })
}

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
