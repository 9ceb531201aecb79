// A gateway to be killed: tells its parent where it listens.
import { createGateway, freeTopics, iotHub, mqtt } from '../dist/index.js'

const { dataDir, connectionString, ca, ports, routes, topics } = JSON.parse(process.env.GATEWAY)
const gateway = createGateway({
  dataDir,
  upstream: iotHub({ connectionString, ca, ports }),
  listen: [mqtt({ address: '127.0.0.1', port: 0 })],
  routes,
  topics: topics && freeTopics(topics),
})
await gateway.start()
process.send({ host: `127.0.0.1:${gateway.addresses[0].port}`, trustBundle: gateway.trustBundle })
process.once('SIGTERM', async () => {
  await gateway.stop()
  process.disconnect()
})
