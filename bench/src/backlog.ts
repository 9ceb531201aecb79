import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BenchRow } from './bench.js'

/*
 * A million messages of 256 bytes wait; the process starts again: how soon it is ready, how fast and in which order they
 * leave, and how much memory that takes. The peers are the limits we set ourselves.
 */
const MESSAGES = 1_000_000

interface Drained {
  readonly ready: number
  readonly inOrder: boolean
  /** Messages a second. */
  readonly rate: number
  /** MiB above what the process had before. */
  readonly growth: number
}

export async function run(): Promise<BenchRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'edgewright-backlog-'))
  try {
    await step('fill', folder)
    const { ready, inOrder, rate, growth } = (await step('drain', folder)) as Drained
    if (!inOrder) throw new Error('The backlog did not leave in order')
    return [
      limit('ready with 1,000,000 queued', ready, 'ms', 'limit', 2_000),
      limit('memory while they drain', growth, 'MiB more', 'limit', 150),
      limit('all of them are gone after', MESSAGES / rate, 's', 'limit', 60),
    ]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function step(name: string, folder: string): Promise<unknown> {
  const child = fork(new URL('./backlog-process.js', import.meta.url), [name, folder, String(MESSAGES)])
  const failed = once(child, 'exit').then(([code]) => Promise.reject(new Error(`${name} ended with ${code}`)))
  const [answer] = await Promise.race([once(child, 'message'), failed])
  failed.catch(() => undefined)
  return answer
}

/** Less is better. */
function limit(name: string, ours: number, unit: string, peer: string, peerValue: number): BenchRow {
  return { case: name, ours, unit, peer, peerValue, ratio: peerValue / ours }
}
