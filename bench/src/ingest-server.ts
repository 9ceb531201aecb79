import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MqttFrontEnd } from '@edgewright/broker'
import { LmdbStore } from '@edgewright/store-lmdb'
import { LogStore } from '@edgewright/store-log'
import { MemoryStore } from '@edgewright/store-memory'
import { offlineCloud, parts, plainHub } from './load/plain-hub.js'

/*
 * The gateway's hub, MQTT front-end and store as they are, under load: no cloud to send to, so that what is measured is
 * taking in. Arguments: the store (`log`, `lmdb`, `memory`) and the number of routes with a condition on the body.
 */
const [storeKind = 'log', conditions = '0'] = process.argv.slice(2)
const folder = await mkdtemp(join(tmpdir(), 'edgewright-ingest-'))
const store = openStore(storeKind)
const hub = plainHub(store, offlineCloud(), routes(Number(conditions)))
const frontEnd = new MqttFrontEnd({ ...parts, host: hub, listen: { address: '127.0.0.1', port: 0 }, tls: 'none' })
await store.start()
await hub.start()
await frontEnd.start()
process.send?.({ port: frontEnd.address().port })

process.on('SIGTERM', async () => {
  await frontEnd.stop()
  await hub.stop()
  await store.stop()
  await rm(folder, { recursive: true, force: true })
  process.exit(0)
})

function openStore(kind: string) {
  if (kind === 'memory') return new MemoryStore(parts)
  return kind === 'lmdb' ? new LmdbStore({ path: folder, ...parts }) : new LogStore({ path: folder, ...parts })
}

function routes(count: number): Record<string, string> {
  if (count === 0) return { all: 'FROM /messages/* INTO $upstream' }
  return Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`r${i}`, `FROM /messages/* WHERE $body.value > ${i} INTO $upstream`]),
  )
}
