import { createServer } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { Aedes } from 'aedes'

// A bare aedes broker in memory, which keeps nothing. Over TLS where key and certificate are given as arguments.
const [key, cert] = process.argv.slice(2)
const broker = await Aedes.createBroker()
const handle = broker.handle as never
const server = key === undefined ? createServer(handle) : createTlsServer({ key, cert }, handle)
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as { port: number }).port }))
process.on('SIGTERM', () => process.exit(0))
