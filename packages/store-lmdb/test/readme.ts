import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LmdbStore } from '@edgewright/store-lmdb'

const path = await mkdtemp(join(tmpdir(), 'store-'))
await using store = new LmdbStore({ path })
await store.start()

const writes = ['one', 'two', 'three'].map(text =>
  store.write({ append: [{ payload: Buffer.from(text), queues: [{ queue: 'upstream' }] }] }),
)
await Promise.all(writes)

export const texts = (await store.read('upstream')).map(({ payload }) => Buffer.from(payload).toString())
console.log(texts)
