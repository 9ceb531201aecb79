import { once } from 'node:events'
import { createMessage } from '@edgewright/core'
import rhea, { type Receiver } from 'rhea'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startEmulator, type TestEmulator } from './support/emulator.js'
import { AmqpClient } from './support/amqp-client.js'
import { runScript } from './support/run-script.js'
import { policyToken } from './support/tokens.js'

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

describe('a reader with an epoch', () => {
  const source = { address: 'messages/ConsumerGroups/$Default/Partitions/0' }

  async function reader(epoch?: number): Promise<{ readonly link: Receiver; readonly fate: Promise<string> }> {
    const client = new AmqpClient(running)
    const session = client.session()
    await client.putToken(session, policyToken(running.emulator, 'service'))
    const properties = epoch === undefined ? {} : { 'com.microsoft:epoch': rhea.types.wrap_long(epoch) }
    const link = session.open_receiver({ source, properties })
    const fate = new Promise<string>(resolve =>
      link.once('receiver_error', () => resolve((link.error as { condition: string }).condition)),
    )
    await once(link, 'receiver_open')
    return { link, fate }
  }

  let running: TestEmulator
  beforeEach(async () => void (running = await startEmulator()))
  afterEach(() => running[Symbol.asyncDispose]())

  test('has the partition to itself', async () => {
    const shared = await reader()
    const first = await reader(1)
    expect(await shared.fate).toBe('amqp:link:stolen')
    const second = await reader(2)
    expect(await first.fate).toBe('amqp:link:stolen')
    for (const late of [await reader(1), await reader()]) expect(await late.fate).toBe('amqp:link:stolen')
    expect(second.link.is_open()).toBe(true)
  })
})
