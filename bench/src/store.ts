import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Store } from '@edgewright/core'
import type { BenchRow } from './bench.js'
import {
  batchOf,
  byTurns,
  fill,
  folderBytes,
  inFolder,
  inStore,
  median,
  readRate,
  writtenBytes,
} from './store/measure.js'
import { deletePlain, PlainFile, readPlain } from './store/plain-file.js'
import { SUBJECTS, type StoreSubject } from './store/subjects.js'

/*
 * What each store adapter makes of this machine's disk, beside the least that durable storage can be: one file, one
 * write and one fdatasync a batch. What the figures do not say: medians leave out what happens seldom, such as a new
 * segment every 32 MiB; and the memory adapter, which keeps nothing, stands beside a file all the same.
 */
const ROUNDS = 5
const DURATION = 3_000
const BACKLOG = 1_000_000
const BODY = 256
const PLAIN = 'plain file, fdatasync a batch'

export async function run(): Promise<BenchRow[]> {
  const rows: BenchRow[] = []
  for (const bodyBytes of [256, 1_024]) {
    for (const batch of [1, 8, 64, 1_024]) rows.push(...(await compareAppends(bodyBytes, batch, 1)))
  }
  rows.push(...(await compareAppends(256, 1, 64)))
  for (const subject of SUBJECTS) {
    if (subject.isDurable) rows.push(...(await compareBytes(subject)))
    rows.push(...(await compareBacklog(subject)))
  }
  return rows
}

/** The ceiling and every adapter by turns, a batch each; several writers write theirs at the same time. */
async function compareAppends(bodyBytes: number, batch: number, writers: number): Promise<BenchRow[]> {
  return inFolder(async folder => {
    const plain = await PlainFile.create(folder)
    const bytes = Buffer.alloc(bodyBytes * batch * writers, 'x')
    const change = batchOf(bodyBytes, batch)
    const stores = SUBJECTS.map(subject => subject.open(join(folder, subject.name)))
    for (const store of stores) await store.start()
    const appends = stores.map(store => () => {
      return Promise.all(Array.from({ length: writers }, () => store.write(change)))
    })
    const [ceiling, ...ours] = await byTurns([() => plain.append(bytes), ...appends], DURATION)
    for (const store of stores) await store.stop()
    await plain.close()
    const rate = (time: number) => (batch * writers * 1_000) / time
    const load = writers === 1 ? `${batch} a batch` : `${writers} writers, ${batch} a write`
    return SUBJECTS.map(({ name }, index) => {
      const title = `${name}: append ${bodyBytes} B, ${load}`
      return more(title, 'messages/s', rate(ours[index]!), PLAIN, rate(ceiling!))
    })
  })
}

/** What a payload of 1 KiB costs in bytes written and in bytes kept, 64 a batch. */
async function compareBytes(subject: StoreSubject): Promise<BenchRow[]> {
  const [bodyBytes, batches] = [1_024, 1_000]
  const payload = bodyBytes * 64 * batches
  const change = batchOf(bodyBytes, 64)
  return inStore(subject, async (store, path) => {
    const before = writtenBytes()
    for (let i = 0; i < batches; i++) await store.write(change)
    const written = writtenBytes() - before
    const kept = await folderBytes(path)
    const name = `${subject.name}: 1 KiB, 64 a batch,`
    return [
      less(`${name} bytes written ÷ payload`, '', written / payload, 'goal', 1.3),
      less(`${name} bytes on disk ÷ payload`, '', kept / payload, 'payload', 1),
    ]
  })
}

/** A long queue: opening it again, reading it, deleting half of it. */
function compareBacklog(subject: StoreSubject): Promise<BenchRow[]> {
  return inFolder(async folder => {
    const path = join(folder, 'store')
    let store = subject.open(path)
    await store.start()
    await fill(store, BODY, BACKLOG)
    const rows: BenchRow[] = []
    if (subject.isDurable) {
      await store.stop()
      store = subject.open(path)
      rows.push(...(await compareOpening(subject.name, store)))
    }
    rows.push(await compareReading(subject.name, store, folder, 256, 65_536))
    rows.push(await compareReading(subject.name, store, folder, 4_096, 1_048_576))
    const began = performance.now()
    await store.write({ remove: [{ queue: 'q', through: BACKLOG / 2 - 1 }] })
    const rate = (BACKLOG * 500) / (performance.now() - began)
    const plain = await deletePlain(folder, BODY, BACKLOG / 2)
    rows.push(more(`${subject.name}: delete half of it`, 'messages/s', rate, 'deleting plain files', plain))
    await store.stop()
    return rows
  })
}

async function compareOpening(name: string, store: Store): Promise<BenchRow[]> {
  const before = await usedMemory()
  const began = performance.now()
  await store.start()
  const opened = performance.now() - began
  const memory = ((await usedMemory()) - before) / BACKLOG
  return [
    less(`${name}: open with ${BACKLOG.toLocaleString('en')} queued`, 'ms', opened, 'goal', 300),
    less(`${name}: memory a queued message`, 'bytes', Math.max(memory, 0.1), 'goal', 64),
  ]
}

/** From head to end, as a pump reads; the plain file in pieces about as large. */
async function compareReading(
  name: string,
  store: Store,
  folder: string,
  limit: number,
  chunk: number,
): Promise<BenchRow> {
  const rounds = Array.from({ length: ROUNDS })
  const plain: number[] = []
  const ours: number[] = []
  for (const _round of rounds) {
    plain.push(await readPlain(folder, BODY, BACKLOG, chunk))
    ours.push(await readRate(store, BACKLOG, limit))
  }
  const peer = `plain file, ${chunk / 1_024} KiB at a time`
  return more(`${name}: read ${BODY} B, ${limit} at a time`, 'messages/s', median(ours), peer, median(plain))
}

/** Bytes that are in use once everything is collected that can be. */
async function usedMemory(): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let round = 0; round < 3; round++) {
    collect()
    await setImmediate()
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function more(name: string, unit: string, ours: number, peer: string, peerValue: number): BenchRow {
  return { case: name, ours, unit, peer, peerValue, ratio: ours / peerValue }
}

function less(name: string, unit: string, ours: number, peer: string, peerValue: number): BenchRow {
  return { case: name, ours, unit, peer, peerValue, ratio: peerValue / ours }
}
