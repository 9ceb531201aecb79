import { createMessage } from '@edgewright/core'
import { expect, test } from 'vitest'
import { startEmulator, type TestEmulator } from './support/emulator.js'
import { AmqpClient } from './support/amqp-client.js'
import { runScript } from './support/run-script.js'

const SENSOR = { deviceId: 'sensor' }

async function send(running: TestEmulator, numbers: readonly number[]): Promise<void> {
  await using client = new AmqpClient(running)
  const session = client.session()
  await client.putToken(session, client.token(SENSOR))
  const messages = numbers.map(n =>
    createMessage({
      body: JSON.stringify({ n }),
      properties: { kind: 'reading' },
      system: { messageId: `m-${n}`, contentType: 'application/json', contentEncoding: 'utf-8' },
    }),
  )
  expect(await client.sendMessages(session, SENSOR, messages)).toBe('accepted')
}

test.each(['TCP', 'WebSocket'])('the Event Hubs SDK reads telemetry over %s, from any position', async transport => {
  await using running = await startEmulator()
  running.emulator.registry.createDevice(SENSOR)
  await send(running, [0, 1, 2])
  const [event] = running.emulator.events.snapshot()
  const environment = {
    CONNECTION_STRING: running.emulator.eventHubConnectionString,
    PARTITION: String(event?.partition),
    TRANSPORT: transport,
  }
  let isPoked = false
  const results = await runScript('event-hubs', running.ca, environment, line => {
    if (isPoked || line !== '{"poke":true}') return
    isPoked = true
    void send(running, [3])
  })
  expect(Object.assign({}, ...(results as object[]))).toEqual({
    hub: ['messages', ['0', '1', '2', '3']],
    partition: [2, false],
    first: {
      body: { n: 0 },
      properties: { kind: 'reading' },
      messageId: 'm-0',
      contentType: 'application/json',
      sender: 'sensor',
      source: 'Telemetry',
      method: { scope: 'device', type: 'sas', issuer: 'iothub', acceptingIpFilterRule: null },
      sequenceNumber: 0,
      offset: '0',
      isTimed: true,
    },
    bodies: [0, 1, 2],
    behind: [2, '2'],
    bySequence: [1, 2],
    byOffset: [2],
    byTime: 3,
    poke: true,
    fresh: [3],
  })
})
