import { Message, NoRetry } from 'azure-iot-common'
import { Client, ModuleClient } from 'azure-iot-device'
import { Amqp } from 'azure-iot-device-amqp'
import { expect, test } from 'vitest'
import { startEmulator } from './support/emulator.js'

test('a device of the Azure SDK sends telemetry over AMQP, and the log says who sent what', async () => {
  await using running = await startEmulator()
  const { emulator, ca } = running
  emulator.registry.createDevice({ deviceId: 'press#7' })
  const client = Client.fromConnectionString(emulator.deviceConnectionString('press#7'), Amqp)
  await client.setOptions({ ca })
  client.setRetryPolicy(new NoRetry())
  await client.open()
  const message = new Message(JSON.stringify({ celsius: 31 }))
  message.messageId = 'm-1'
  message.contentType = 'application/json'
  message.contentEncoding = 'utf-8'
  message.properties.add('line', 'a=b&c')
  await client.sendEvent(message)
  await client.close()

  const [event] = emulator.events.snapshot()
  expect(event?.sender).toEqual({ deviceId: 'press#7' })
  expect(Buffer.from(event!.message.body).toString()).toBe('{"celsius":31}')
  expect([...event!.message.properties]).toEqual([['line', 'a=b&c']])
  expect(event?.message.system).toMatchObject({
    messageId: 'm-1',
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    connectionDeviceId: 'press#7',
  })
})

test('a module sends on an output', async () => {
  await using running = await startEmulator()
  const { emulator, ca } = running
  emulator.registry.createDevice({ deviceId: 'gateway', capabilities: { iotEdge: true } })
  emulator.registry.createModule({ deviceId: 'gateway', moduleId: 'filter' })
  const client = ModuleClient.fromConnectionString(emulator.moduleConnectionString('gateway', 'filter'), Amqp)
  await client.setOptions({ ca })
  await client.open()
  await client.sendOutputEvent('alarms', new Message('hot'))
  await client.close()

  const [event] = await emulator.events.until(1)
  expect(event?.sender).toEqual({ deviceId: 'gateway', moduleId: 'filter' })
  expect(event?.message.system).toMatchObject({ outputName: 'alarms', connectionModuleId: 'filter' })
})
