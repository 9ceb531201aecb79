// The hub with its MQTT front-end and a durable store, to be killed. The parent is its cloud: what it confirms over the
// channel between the two processes has arrived. Arguments: the store (`log`, `lmdb`) and its folder.
import { MqttFrontEnd } from '@edgewright/broker'
import { identityKey, memoryMeter, silentLogger, systemClock } from '@edgewright/core'
import { Hub, StoredIdentityDirectory } from '@edgewright/hub'
import { LmdbStore } from '@edgewright/store-lmdb'
import { LogStore } from '@edgewright/store-log'

const [kind, path] = process.argv.slice(2)
const parts = { clock: systemClock, logger: silentLogger, meter: memoryMeter() }
const plain = { seal: value => value, unseal: value => value }
const store = kind === 'lmdb' ? new LmdbStore({ path, ...parts }) : new LogStore({ path, ...parts })
await store.start()
const directory = new StoredIdentityDirectory({
  ...parts,
  store,
  sealer: plain,
  source: { get: async () => undefined, async *list() {} },
})
const hub = new Hub(
  {
    ...parts,
    store,
    directory,
    sealer: plain,
    upstream: parentAsCloud(),
    authenticator: { authenticate: ({ identity }) => ({ accepted: true, identity }) },
  },
  { deviceId: 'edge' },
)
await hub.start()
const frontEnd = new MqttFrontEnd({ ...parts, host: hub, listen: { address: '127.0.0.1', port: 0 }, tls: 'none' })
await frontEnd.start()
process.send({ kind: 'ready', port: frontEnd.address().port })
process.on('disconnect', () => process.exit(0))

function parentAsCloud() {
  const waiting = new Map()
  let next = 0
  process.on('message', ({ id }) => {
    waiting.get(id)?.()
    waiting.delete(id)
  })
  const session = identity => ({
    identity,
    async send(batch) {
      const id = next++
      const numbers = batch.map(({ body }) => Number(Buffer.from(body.buffer, body.byteOffset, 12).toString()))
      process.send({ kind: 'deliver', id, sender: identityKey(identity), numbers })
      await new Promise(resolve => waiting.set(id, resolve))
      return batch.map(() => ({ kind: 'accepted' }))
    },
    handle() {},
    async close() {},
  })
  return { connectivity: { type: 'online', since: 0 }, on() {}, off() {}, session, async start() {}, async stop() {} }
}
