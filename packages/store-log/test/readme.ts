import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LogStore } from '@edgewright/store-log'

const path = await mkdtemp(join(tmpdir(), 'store-'))
await using store = new LogStore({ path, quota: 256 * 1024 ** 2 })
await store.start()

await store.write({
  append: [{ payload: Buffer.from('21.5'), queues: [{ queue: 'upstream' }, { queue: 'archive' }] }],
  put: [{ table: 'last', key: 'sensor', value: Buffer.from('21.5') }],
})

export const [entry] = await store.read('upstream')
console.log(entry?.position, Buffer.from(entry?.payload ?? []).toString())

await store.write({ remove: [{ queue: 'upstream', through: entry?.position ?? 0 }] })
export const waiting = store.queues().map(({ queue, length }) => `${queue}: ${length}`)
