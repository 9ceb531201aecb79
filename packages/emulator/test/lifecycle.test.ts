import { once } from 'node:events'
import { createServer } from 'node:net'
import { testCertificates } from '@edgewright/testkit'
import { expect, test } from 'vitest'
import { createEmulator, type HubEvent } from '../src/index.js'
import { AmqpClient } from './support/amqp-client.js'
import { ownAddress, startEmulator } from './support/emulator.js'

const { cert, key } = testCertificates()
const FREE = { mqtt: 0, amqp: 0, https: 0 }

test('a port that is taken is named, and nothing else stays open', async () => {
  const address = ownAddress()
  const other = createServer().listen(5671, address)
  await once(other, 'listening')
  const emulator = createEmulator({ address, tls: { cert, key } })
  await expect(emulator.start()).rejects.toMatchObject({ code: 'EMULATOR_PORT_IN_USE', place: `${address}:5671` })
  other.close()
  await once(other, 'close')
  await emulator.start()
  await emulator.stop()
})

test('an address that is not of this machine is named', async () => {
  const emulator = createEmulator({ address: '203.0.113.1', ports: FREE, tls: { cert, key } })
  await expect(emulator.start()).rejects.toMatchObject({ code: 'EMULATOR_LISTEN_FAILED', place: '203.0.113.1:0' })
})

test('nothing can be asked of it before its start, and state in memory outlives a stop', async () => {
  const emulator = createEmulator({ address: ownAddress(), ports: FREE, tls: { cert, key } })
  expect(() => emulator.registry).toThrow(expect.objectContaining({ code: 'NOT_RUNNING' }))
  await Promise.all([emulator.start(), emulator.start()])
  emulator.registry.createDevice({ deviceId: 'press' })
  expect(Object.values(emulator.ports).every(port => port > 0)).toBe(true)
  await emulator.stop()
  expect(() => emulator.ports).toThrow(expect.objectContaining({ code: 'NOT_RUNNING' }))
  await emulator.start()
  expect(emulator.registry.find({ deviceId: 'press' })).toBeDefined()
  await emulator.stop()
})

test('events are read as they come, from the beginning or from now on, until one has enough', async () => {
  await using running = await startEmulator()
  const { emulator } = running
  emulator.registry.createDevice({ deviceId: 'press' })
  await using client = new AmqpClient(running)
  const session = client.session()
  await client.putToken(session, client.token({ deviceId: 'press' }))
  const body = ({ message }: HubEvent) => Buffer.from(message.body).toString()
  const read = async (count: number, from: 'start' | 'latest') => {
    const seen: string[] = []
    for await (const event of emulator.events.read({ from, where: candidate => body(candidate) !== 'skip' })) {
      if (seen.push(body(event)) === count) break
    }
    return seen
  }
  await client.send(session, { deviceId: 'press' }, ['1', 'skip', '2'])
  const all = read(4, 'start')
  const fresh = read(2, 'latest')
  await client.send(session, { deviceId: 'press' }, ['3', '4'])
  expect(await Promise.all([all, fresh])).toEqual([
    ['1', '2', '3', '4'],
    ['3', '4'],
  ])
})

test('whoever waits for events can give up', async () => {
  await using running = await startEmulator()
  const { events } = running.emulator
  const ended = new AbortController()
  const reading = events.read({ signal: ended.signal }).next()
  ended.abort(new Error('enough'))
  expect(await reading).toEqual({ done: true, value: undefined })
  await expect(events.until(1, { signal: ended.signal })).rejects.toThrow('enough')
})
