import { createEmulator, type Emulator } from '@edgewright/emulator'
import { testCertificates } from '@edgewright/testkit'
import { ModuleClient } from 'azure-iot-device'
import { Amqp } from 'azure-iot-device-amqp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startFilter } from './module.js'

const FILTER = { deviceId: 'press-7', moduleId: 'filter' }
const ADDRESS = '127.0.0.78'

let emulator: Emulator
let client: ModuleClient

beforeAll(async () => {
  const { ca, cert, key } = testCertificates({ ipAddresses: [ADDRESS] })
  emulator = createEmulator({ address: ADDRESS, tls: { cert, key } })
  await emulator.start()
  emulator.registry.createDevice({ deviceId: 'press-7', capabilities: { iotEdge: true } })
  emulator.registry.createModule(FILTER)
  client = ModuleClient.fromConnectionString(emulator.moduleConnectionString('press-7', 'filter'), Amqp)
  await client.setOptions({ ca })
  await client.open()
  await startFilter(client)
})

afterAll(async () => {
  await client.close()
  await emulator.stop()
})

const measure = (celsius: number) =>
  emulator.methods.invoke(FILTER, {
    name: 'measure',
    payload: { celsius },
    responseTimeout: 5_000,
    connectTimeout: 15_000,
  })

test('passes on what is warmer than its twin says', async () => {
  await emulator.clients.whenListening(FILTER, 'desired')
  emulator.twins.change(FILTER, { desired: { threshold: 25 } }, 'merge')
  await emulator.twins.until(FILTER, ({ reported }) => reported.properties.threshold === 25)

  expect(await measure(24)).toEqual({ status: 200, payload: { warm: false } })
  expect(await measure(26)).toEqual({ status: 200, payload: { warm: true } })

  const [event] = await emulator.events.until(1)
  expect(event?.sender).toEqual(FILTER)
  expect(event?.message.system.outputName).toBe('warm')
  expect(Buffer.from(event!.message.body).toString()).toBe('{"celsius":26}')
})

test('comes back by itself when the cloud was away', async () => {
  emulator.cut()
  expect(emulator.clients.isConnected(FILTER)).toBe(false)
  emulator.restore()
  expect(await measure(40)).toEqual({ status: 200, payload: { warm: true } })
})
