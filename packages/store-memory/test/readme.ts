import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryStore } from '@edgewright/store-memory'

const snapshotPath = join(await mkdtemp(join(tmpdir(), 'store-')), 'snapshot')

const store = new MemoryStore({ snapshotPath })
await store.start()
await store.write({ append: [{ payload: Buffer.from('hello'), queues: [{ queue: 'upstream' }] }] })
await store.stop()

await using next = new MemoryStore({ snapshotPath })
await next.start()
export const [entry] = await next.read('upstream')
console.log(Buffer.from(entry?.payload ?? []).toString())
