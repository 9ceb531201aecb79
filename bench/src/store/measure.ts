import { readFileSync } from 'node:fs'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Store, StoreChange } from '@edgewright/core'
import type { StoreSubject } from './subjects.js'

/** Gives a test a folder of its own. */
export async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'edgewright-store-'))
  try {
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Runs a store on a folder that is empty before and gone afterwards. */
export function inStore<T>(subject: StoreSubject, use: (store: Store, path: string) => Promise<T>): Promise<T> {
  return inFolder(async folder => {
    const path = join(folder, 'store')
    const store = subject.open(path)
    await store.start()
    try {
      return await use(store, path)
    } finally {
      await store.stop()
    }
  })
}

/** `count` messages for one queue. */
export function batchOf(bodyBytes: number, count: number): StoreChange {
  const payload = Buffer.alloc(bodyBytes, 'x')
  return { append: Array.from({ length: count }, () => ({ payload, queues: [{ queue: 'q' }] })) }
}

/**
 * Milliseconds that each of several things takes, by turns and each time with another first, so that all meet the same
 * disk at the same time, and none always what another has left.
 *
 * @param duration - of all of it, in milliseconds; each is done 20 times at least
 * @returns the median of each
 */
export async function byTurns(things: readonly (() => Promise<unknown>)[], duration: number): Promise<number[]> {
  const times = things.map((): number[] => [])
  const began = performance.now()
  for (let round = 0; round < 20 || performance.now() - began < duration; round++) {
    for (let turn = 0; turn < things.length; turn++) {
      const index = (round + turn) % things.length
      const start = performance.now()
      await things[index]!()
      times[index]!.push(performance.now() - start)
    }
  }
  return times.map(median)
}

export async function fill(store: Store, bodyBytes: number, count: number): Promise<void> {
  const change = batchOf(bodyBytes, 1_000)
  for (let done = 0; done < count; done += 1_000) await store.write(change)
}

/** Messages per second read from head to end, so many at a time. */
export async function readRate(store: Store, count: number, limit: number): Promise<number> {
  const began = performance.now()
  for (let from = 0; from < count; ) {
    from = (await store.read('q', { from, limit })).at(-1)!.position + 1
  }
  return (count * 1_000) / (performance.now() - began)
}

/** Bytes that this process has made the kernel write to disks; 0 where the kernel does not tell. */
export function writtenBytes(): number {
  try {
    return Number(/^write_bytes: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}

/** Bytes that the files of a folder take on the medium. */
export async function folderBytes(path: string): Promise<number> {
  let bytes = 0
  for (const name of await readdir(path)) bytes += (await stat(join(path, name))).blocks * 512
  return bytes
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
}
