import { createMessage } from '@edgewright/core'
import { createEmulator } from '@edgewright/emulator'
import { createSasToken, parseConnectionString } from '@edgewright/protocol'
import { testCertificates } from '@edgewright/testkit'
import { IotHubUpstream } from '@edgewright/upstream'

const tls = testCertificates({ ipAddresses: ['127.0.0.1'] })
await using hub = createEmulator({ address: '127.0.0.1', ports: { mqtt: 0, amqp: 0, https: 0 }, tls })
await hub.start()
hub.registry.createDevice({ deviceId: 'press-7' })
const { credential } = parseConnectionString(hub.deviceConnectionString('press-7'))
const key = credential.kind === 'key' ? credential.key : ''

await using upstream = new IotHubUpstream({
  host: hub.hostName,
  ports: { amqp: hub.ports.amqp, webSocket: hub.ports.https },
  ca: tls.ca,
  token: async (_identity, resource, expiresAt) => createSasToken({ resource, expiresAt, key }),
})
const isOnline = new Promise(resolve => upstream.on('connectivity', resolve))
await upstream.start()
await isOnline

const press = upstream.session({ deviceId: 'press-7' })
export const outcomes = await press.send([createMessage({ body: '{"celsius":21.5}' })])
export const version = await press.report({ firmware: '1.2' })
export const [event] = await hub.events.until(1, { where: ({ source }) => source === 'Telemetry' })
