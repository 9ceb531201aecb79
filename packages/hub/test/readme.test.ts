import { createMessage, memoryMeter, type Sealer, silentLogger } from '@edgewright/core'
import { MemoryStore } from '@edgewright/store-memory'
import { virtualClock } from '@edgewright/testkit'
import { expect, it } from 'vitest'
import { Hub, StoredIdentityDirectory } from '../src/index.js'
import { CloudDouble } from './cloud-double.js'
import { Client } from './hub-fixture.js'

it('takes the message of the README', async () => {
  const [clock, logger, meter, upstream, store] = [
    virtualClock(),
    silentLogger,
    memoryMeter(),
    new CloudDouble(),
    new MemoryStore(),
  ]
  const sealer: Sealer = { seal: value => value, unseal: value => value }
  const source = { get: async () => undefined, async *list() {} }
  const authenticator = { authenticate: () => ({ accepted: true as const, identity: { deviceId: 'leaf' } }) }
  const peer = new Client()

  const directory = new StoredIdentityDirectory({ store, sealer, source, clock, logger })
  const hub = new Hub(
    { store, upstream, authenticator, directory, sealer, clock, logger, meter },
    { deviceId: 'press-7', routes: { all: 'FROM /messages/* INTO $upstream' } },
  )
  await store.start()
  await directory.start()
  await hub.start()

  const { session } = await hub.openSession({ identity: { deviceId: 'leaf' }, peer, persistent: true })
  const refused = await session.send([createMessage({ body: 'hello' })])
  expect(refused).toEqual([])
  expect(store.queues()).toMatchObject([{ length: 1 }])
  await hub.stop()
  await directory.stop()
  await store.stop()
})
