import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MqttFrontEnd } from '@edgewright/broker'
import {
  type Authenticator,
  type CloudSession,
  type Identity,
  memoryMeter,
  type Sealer,
  silentLogger,
  systemClock,
  type Upstream,
} from '@edgewright/core'
import { Hub, StoredIdentityDirectory } from '@edgewright/hub'
import { LmdbStore } from '@edgewright/store-lmdb'
import { LogStore } from '@edgewright/store-log'
import { MemoryStore } from '@edgewright/store-memory'

/*
 * The gateway's hub, MQTT front-end and store as they are, under load: no cloud to send to, so that what is measured is
 * taking in. Arguments: the store (`log`, `lmdb`, `memory`) and the number of routes with a condition on the body.
 */
const [storeKind = 'log', conditions = '0'] = process.argv.slice(2)
const folder = await mkdtemp(join(tmpdir(), 'edgewright-ingest-'))
const parts = { clock: systemClock, logger: silentLogger, meter: memoryMeter() }
const plain: Sealer = { seal: value => value, unseal: value => value }
const everyone: Authenticator = { authenticate: ({ identity }) => ({ accepted: true, identity }) }

const store = openStore(storeKind)
await store.start()
const directory = new StoredIdentityDirectory({
  ...parts,
  store,
  sealer: plain,
  source: { get: async () => undefined, async *list() {} },
})
const hub = new Hub(
  { ...parts, store, upstream: offline(), authenticator: everyone, directory, sealer: plain },
  { deviceId: 'edge', routes: routes(Number(conditions)) },
)
await hub.start()
const frontEnd = new MqttFrontEnd({ ...parts, host: hub, listen: { address: '127.0.0.1', port: 0 }, tls: 'none' })
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

function offline(): Upstream {
  const session = (identity: Identity): CloudSession => ({
    identity,
    send: async batch => batch.map(() => ({ kind: 'retry', reason: 'offline' })),
    getTwin: () => Promise.reject(new Error('offline')),
    report: () => Promise.reject(new Error('offline')),
    handle: () => undefined,
    close: async () => undefined,
  })
  return {
    connectivity: { type: 'offline', since: 0, reason: 'there is no cloud' },
    on: () => undefined,
    off: () => undefined,
    session,
    start: async () => undefined,
    stop: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  }
}
