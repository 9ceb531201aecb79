import { type Message, NoRetry } from 'azure-iot-common'
import { Client, type DeviceMethodRequest, type DeviceMethodResponse } from 'azure-iot-device'
import { Mqtt } from 'azure-iot-device-mqtt'
import { expect, test } from 'vitest'
import { startEmulator } from './support/emulator.js'
import { runScript } from './support/run-script.js'

test('the Azure service SDK keeps the registry', async () => {
  await using running = await startEmulator()
  const results = await runScript('registry', running.ca, { CONNECTION_STRING: running.emulator.connectionString })
  expect(Object.assign({}, ...(results as object[]))).toEqual({
    created: ['press', 'enabled', 32],
    twice: 'DeviceAlreadyExistsError',
    missing: 'DeviceNotFoundError',
    updated: 'test',
    modules: ['filter'],
    bulk: expect.anything(),
    listed: ['press', 'a', 'b'],
    twin: [{ site: 'north' }, 5, 2],
    stale: 'InvalidEtagError',
    pages: [['press', 'a'], ['b']],
    where: [{ deviceId: 'press' }],
    applied: 2,
    configurations: ['layer'],
    left: ['gateway'],
  })
})

test.each(['Amqp', 'AmqpWs'])(
  'the Azure service SDK sends commands over %s, reads feedback and calls methods',
  async transport => {
    await using running = await startEmulator()
    running.emulator.registry.createDevice({ deviceId: 'press' })
    running.emulator.registry.createDevice({ deviceId: 'sleeper' })
    const device = Client.fromConnectionString(running.emulator.deviceConnectionString('press'), Mqtt)
    device.setRetryPolicy(new NoRetry())
    await device.setOptions({ ca: running.ca })
    await device.open()
    device.on('message', (message: Message) => void device.complete(message))
    device.onDeviceMethod('reboot', (request: DeviceMethodRequest, response: DeviceMethodResponse) => {
      response.send(202, { after: request.payload.seconds }, () => undefined)
    })
    await running.emulator.clients.whenListening({ deviceId: 'press' }, 'method')
    const environment = { CONNECTION_STRING: running.emulator.connectionString, TRANSPORT: transport }
    const results = await runScript('service-client', running.ca, environment)
    await device.close()
    expect(Object.assign({}, ...(results as object[]))).toEqual({
      sent: true,
      feedback: ['c-1', 'Success', 'press'],
      unknown: 'DeviceNotFoundError',
      method: { status: 202, payload: { after: 3 } },
      offline: 404,
    })
  },
)
