import { createEmulator } from '@edgewright/emulator'
import { testCertificates } from '@edgewright/testkit'
import { Message } from 'azure-iot-common'
import { Client } from 'azure-iot-device'
import { Mqtt } from 'azure-iot-device-mqtt'

const address = '127.0.0.77'
const { ca, cert, key } = testCertificates({ ipAddresses: [address] })
await using emulator = createEmulator({ address, tls: { cert, key } })
await emulator.start()
emulator.registry.createDevice({ deviceId: 'press-7' })

const client = Client.fromConnectionString(emulator.deviceConnectionString('press-7'), Mqtt)
await client.setOptions({ ca })
await client.open()
await client.sendEvent(new Message('{"celsius":31}'))
await client.close()

export const [event] = await emulator.events.until(1)
console.log(event?.sender, Buffer.from(event?.message.body ?? []).toString())
