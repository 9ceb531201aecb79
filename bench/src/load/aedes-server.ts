import { createServer } from 'node:net'
import { Aedes } from 'aedes'

// A bare aedes broker in memory: nothing stored, nobody subscribed.
const broker = await Aedes.createBroker()
const server = createServer(broker.handle)
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as { port: number }).port }))
process.on('SIGTERM', () => process.exit(0))
