import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FreeTopics, MqttFrontEnd } from '@edgewright/broker'
import { LogStore } from '@edgewright/store-log'
import { offlineCloud, parts, plainHub } from './load/plain-hub.js'

/* Free topics on the log store, with a policy and a login, as a gateway has them. */
const folder = await mkdtemp(join(tmpdir(), 'edgewright-topics-'))
const store = new LogStore({ path: folder, ...parts })
const topics = new FreeTopics({
  ...parts,
  store,
  authenticate: ({ username }) => username,
  authorizations: [
    {
      accounts: ['bench'],
      allow: [{ operations: ['mqtt:connect', 'mqtt:publish', 'mqtt:subscribe'], resources: ['bench/#'] }],
    },
  ],
  // A session that waits for ever is not what is measured.
  maxQueuedMessages: 1_000_000,
  maxQueuedBytes: 1_073_741_824,
})
const hub = plainHub(store, offlineCloud(), {})
const listen = { address: '127.0.0.1', port: 0 }
const frontEnd = new MqttFrontEnd({ ...parts, host: hub, topics, listen, tls: 'none' })
await store.start()
await hub.start()
await topics.start()
await frontEnd.start()
process.send?.({ port: frontEnd.address().port })

process.on('SIGTERM', async () => {
  await frontEnd.stop()
  await topics.stop()
  await hub.stop()
  await store.stop()
  await rm(folder, { recursive: true, force: true })
  process.exit(0)
})
