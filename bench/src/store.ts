import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { BenchRow } from './bench.js'
import {
  appendRate,
  batchOf,
  fill,
  folderBytes,
  inFolder,
  inStore,
  median,
  readRate,
  writtenBytes,
} from './store/measure.js'
import { appendPlain, deletePlain, readPlain } from './store/plain-file.js'
import { SUBJECTS, type StoreSubject } from './store/subjects.js'

/*
 * What each store adapter makes of this machine's disk, beside the least that durable storage can be: one file, one
 * write and one fdatasync a batch. What the figures do not say: how a disk behaves that is full, slow or shared; and the
 * memory adapter, which keeps nothing, stands beside a file all the same.
 */
const ROUNDS = 3
const DURATION = 400
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

/** The ceiling and every adapter in turn, round by round, so that all see the same disk. */
async function compareAppends(bodyBytes: number, batch: number, writers: number): Promise<BenchRow[]> {
  const plain: number[] = []
  const ours = SUBJECTS.map((): number[] => [])
  const change = batchOf(bodyBytes, batch)
  for (let round = 0; round < ROUNDS; round++) {
    plain.push(await inFolder(folder => appendPlain(folder, bodyBytes, batch * writers, DURATION)))
    for (const [index, subject] of SUBJECTS.entries()) {
      ours[index]!.push(await inStore(subject, store => appendRate(store, change, writers, DURATION)))
    }
  }
  const load = writers === 1 ? `${batch} a batch` : `${writers} writers, ${batch} a write`
  return SUBJECTS.map(({ name }, index) => {
    return more(`${name}: append ${bodyBytes} B, ${load}`, 'messages/s', median(ours[index]!), PLAIN, median(plain))
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

/** A long queue: reading it, opening it again, deleting half of it. */
async function compareBacklog(subject: StoreSubject): Promise<BenchRow[]> {
  return inFolder(async folder => {
    const collect = garbageCollector()
    const path = join(folder, 'store')
    const first = subject.open(path)
    await first.start()
    await fill(first, BODY, BACKLOG)
    const before = subject.isDurable ? await stopped(first, collect) : 0
    const began = performance.now()
    const store = subject.isDurable ? subject.open(path) : first
    if (store !== first) await store.start()
    const reopened = performance.now() - began
    collect()
    const memory = (usedMemory() - before) / BACKLOG
    const rows: BenchRow[] = []
    for (const [limit, chunk] of [
      [256, 65_536],
      [4_096, 1_048_576],
    ] as const) {
      const peer = await readPlain(folder, BODY, BACKLOG, chunk)
      const rate = await readRate(store, BACKLOG, limit)
      rows.push(
        more(
          `${subject.name}: read ${BODY} B, ${limit} at a time`,
          'messages/s',
          rate,
          `plain file, ${chunk / 1024} KiB at a time`,
          peer,
        ),
      )
    }
    const deleting = performance.now()
    await store.write({ remove: [{ queue: 'q', through: BACKLOG / 2 - 1 }] })
    const deleted = (BACKLOG * 500) / (performance.now() - deleting)
    rows.push(
      more(
        `${subject.name}: delete half of it`,
        'messages/s',
        deleted,
        'deleting plain files',
        await deletePlain(folder, BODY, BACKLOG / 2),
      ),
    )
    await store.stop()
    if (!subject.isDurable) return rows
    return [
      ...rows,
      less(`${subject.name}: open with ${BACKLOG.toLocaleString('en')} queued`, 'ms', reopened, 'goal', 300),
      less(`${subject.name}: memory a queued message`, 'bytes', memory, 'goal', 64),
    ]
  })
}

async function stopped(store: { stop(): Promise<void> }, collect: () => void): Promise<number> {
  await store.stop()
  collect()
  return usedMemory()
}

function usedMemory(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}

function more(name: string, unit: string, ours: number, peer: string, peerValue: number): BenchRow {
  return { case: name, ours, unit, peer, peerValue, ratio: ours / peerValue }
}

function less(name: string, unit: string, ours: number, peer: string, peerValue: number): BenchRow {
  return { case: name, ours, unit, peer, peerValue, ratio: peerValue / ours }
}
