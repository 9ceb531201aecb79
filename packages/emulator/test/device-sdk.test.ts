import { once } from 'node:events'
import { createMessage } from '@edgewright/core'
import { type Message, Message as IotMessage, NoRetry } from 'azure-iot-common'
import { Client, type DeviceMethodRequest, type DeviceMethodResponse, ModuleClient, type Twin } from 'azure-iot-device'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DEVICE_TRANSPORTS } from './support/device-transports.js'
import { startEmulator, type TestEmulator } from './support/emulator.js'

const DEVICE = { deviceId: 'press:7(a)' }

let running: TestEmulator
beforeEach(async () => {
  running = await startEmulator()
  running.emulator.registry.createDevice(DEVICE)
})
afterEach(() => running[Symbol.asyncDispose]())

describe.each(DEVICE_TRANSPORTS)('the Azure device SDK over %s', (_, Transport) => {
  async function connect(): Promise<Client> {
    const client = Client.fromConnectionString(running.emulator.deviceConnectionString(DEVICE.deviceId), Transport)
    client.setRetryPolicy(new NoRetry())
    await client.setOptions({ ca: running.ca })
    await client.open()
    return client
  }

  test('sends telemetry with properties, and the log says who sent what', async () => {
    const client = await connect()
    const message = new IotMessage(JSON.stringify({ celsius: 31 }))
    message.messageId = 'm-1'
    message.contentType = 'application/json'
    message.contentEncoding = 'utf-8'
    message.properties.add('line', 'a=b&c')
    await client.sendEvent(message)
    await client.close()

    const [event] = running.emulator.events.snapshot()
    expect(event?.sender).toEqual(DEVICE)
    expect(Buffer.from(event!.message.body).toString()).toBe('{"celsius":31}')
    expect([...event!.message.properties]).toEqual([['line', 'a=b&c']])
    expect(event?.message.system).toMatchObject({
      messageId: 'm-1',
      contentType: 'application/json',
      contentEncoding: 'utf-8',
      connectionDeviceId: DEVICE.deviceId,
    })
  })

  test('sends on an output as a module', async () => {
    const { registry } = running.emulator
    registry.createModule({ ...DEVICE, moduleId: 'filter' })
    const connectionString = running.emulator.moduleConnectionString(DEVICE.deviceId, 'filter')
    const client = ModuleClient.fromConnectionString(connectionString, Transport)
    await client.setOptions({ ca: running.ca })
    await client.open()
    await client.sendOutputEvent('alarms', new IotMessage('hot'))
    await client.close()

    const [event] = await running.emulator.events.until(1)
    expect(event?.sender).toEqual({ ...DEVICE, moduleId: 'filter' })
    expect(event?.message.system).toMatchObject({ outputName: 'alarms', connectionModuleId: 'filter' })
  })

  test('reads its twin, reports, and is told of desired properties', async () => {
    const { twins } = running.emulator
    twins.change(DEVICE, { desired: { interval: 5, gone: true } }, 'merge')
    const client = await connect()
    const twin: Twin = await client.getTwin()
    expect(twin.properties.desired).toMatchObject({ interval: 5, gone: true, $version: 2 })

    await new Promise<void>((resolve, reject) =>
      twin.properties.reported.update({ state: { phase: 'idle' } }, (error: Error) =>
        error ? reject(error) : resolve(),
      ),
    )
    expect(twins.get(DEVICE).reported).toMatchObject({ properties: { state: { phase: 'idle' } }, version: 2 })

    const deltas: unknown[] = []
    const told = new Promise<void>(resolve =>
      twin.on('properties.desired', delta => {
        deltas.push(delta)
        if (delta.interval === 9) resolve()
      }),
    )
    await running.emulator.clients.whenListening(DEVICE, 'desired')
    twins.change(DEVICE, { desired: { interval: 9, gone: null } }, 'merge')
    await told
    expect(deltas.at(-1)).toEqual({ interval: 9, gone: null, $version: 3 })
    await client.close()
  })

  test('is told when a report is refused', async () => {
    const client = await connect()
    const twin: Twin = await client.getTwin()
    const tooLong = { text: 'x'.repeat(4_097) }
    const refused = new Promise<Error>(resolve => twin.properties.reported.update(tooLong, resolve))
    expect(await refused).toBeInstanceOf(Error)
    expect(running.emulator.twins.get(DEVICE).reported.version).toBe(1)
    await client.close()
  })

  test('answers direct methods', async () => {
    const client = await connect()
    client.onDeviceMethod('reboot', (request: DeviceMethodRequest, response: DeviceMethodResponse) => {
      response.send(202, { after: request.payload.seconds }, () => undefined)
    })
    const call = { name: 'reboot', payload: { seconds: 3 }, responseTimeout: 5_000, connectTimeout: 5_000 }
    expect(await running.emulator.methods.invoke(DEVICE, call)).toEqual({ status: 202, payload: { after: 3 } })
    await client.close()
  })

  test('gets cloud-to-device messages, also those that came before it did', async () => {
    const { emulator } = running
    const send = (body: string) =>
      emulator.commands.send(
        DEVICE,
        createMessage({ body, properties: { kind: 'greeting' }, system: { messageId: body } }),
      )
    send('early')
    const client = await connect()
    const received: string[] = []
    const both = new Promise<void>(resolve => {
      client.on('message', (message: Message) => {
        received.push(`${message.messageId} ${message.getData()} ${message.properties.getValue('kind')}`)
        client.complete(message, () => received.length === 2 && resolve())
      })
    })
    await emulator.clients.whenListening(DEVICE, 'command')
    send('late')
    await both
    expect(received).toEqual(['early early greeting', 'late late greeting'])
    await client.close()
  })

  test('is refused with a wrong key', async () => {
    const wrong = running.emulator
      .deviceConnectionString(DEVICE.deviceId)
      .replace(/SharedAccessKey=.*/, `SharedAccessKey=${Buffer.alloc(32, 7).toString('base64')}`)
    const client = Client.fromConnectionString(wrong, Transport)
    client.setRetryPolicy(new NoRetry())
    await client.setOptions({ ca: running.ca })
    await expect(client.open()).rejects.toMatchObject({ name: 'UnauthorizedError' })
  })

  test('loses its connection when its device is removed', async () => {
    const client = await connect()
    const disconnected = once(client, 'disconnect')
    await client.sendEvent(new IotMessage('x'))
    running.emulator.registry.remove(DEVICE)
    await disconnected
  })
})
