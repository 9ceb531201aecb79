import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatVerification, LogStore, repairStore, verifyStore } from '@edgewright/store-log'

const path = await mkdtemp(join(tmpdir(), 'store-'))
const store = new LogStore({ path, quota: 2 * 1024 ** 3 })
await store.start()
await store.write({
  append: [{ payload: Buffer.from('21.5 °C'), queues: [{ queue: 'upstream' }, { queue: 'archive' }] }],
  put: [{ table: 'last', key: 'sensor', value: Buffer.from('21.5') }],
})

export const delivered: string[] = []
for (const { position, payload } of await store.read('upstream')) {
  delivered.push(Buffer.from(payload).toString())
  await store.write({ remove: [{ queue: 'upstream', through: position }] })
}
await store.stop()

export const verification = await verifyStore(path)
console.log(formatVerification(verification))
if (!verification.isIntact) await repairStore(path)
