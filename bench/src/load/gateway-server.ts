import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AmqpFrontEnd, MqttFrontEnd } from '@edgewright/broker'
import { LmdbStore } from '@edgewright/store-lmdb'
import { LogStore } from '@edgewright/store-log'
import { MemoryStore } from '@edgewright/store-memory'
import { offlineCloud, parts, plainHub } from './plain-hub.js'
import type { GatewaySettings } from './server-process.js'

/*
 * The gateway's hub, one front-end and a store as they are, under load: no cloud to send to, so that what is measured is
 * taking in, and passing on to modules. Argument: the settings as JSON.
 */
const settings = JSON.parse(process.argv[2] ?? '{}') as GatewaySettings
const { protocol = 'mqtt', routes = { all: 'FROM /messages/* INTO $upstream' } } = settings
const folder = await mkdtemp(join(tmpdir(), 'edgewright-bench-'))
const store = openStore(settings.store ?? 'log')
const hub = plainHub(store, offlineCloud(), routes)
const tls = settings.tls === undefined ? 'none' : { certificate: settings.tls.cert, key: settings.tls.key }
const options = { ...parts, host: hub, listen: { address: '127.0.0.1', port: 0 }, tls } as const
const frontEnd = protocol === 'mqtt' ? new MqttFrontEnd(options) : new AmqpFrontEnd(options)
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

function openStore(kind: Required<GatewaySettings>['store']) {
  if (kind === 'memory') return new MemoryStore(parts)
  return kind === 'lmdb' ? new LmdbStore({ path: folder, ...parts }) : new LogStore({ path: folder, ...parts })
}
