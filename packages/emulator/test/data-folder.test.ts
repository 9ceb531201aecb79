import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { AmqpClient } from './support/amqp-client.js'
import { ownAddress, startEmulator } from './support/emulator.js'

let dataDir: string
beforeEach(async () => void (dataDir = await mkdtemp(join(tmpdir(), 'emulator-'))))
afterEach(() => rm(dataDir, { recursive: true }))

async function sendOne(running: Awaited<ReturnType<typeof startEmulator>>, text: string): Promise<void> {
  await using client = new AmqpClient(running)
  const session = client.session()
  await client.putToken(session, client.token({ deviceId: 'sensor' }))
  expect(await client.send(session, { deviceId: 'sensor' }, [text])).toBe('accepted')
}

test('keys, identities and events are found again after a restart, and positions go on', async () => {
  const address = ownAddress()
  const before = await startEmulator({ address, dataDir })
  before.emulator.registry.createDevice({ deviceId: 'sensor' })
  const strings = [before.emulator.connectionString, before.emulator.deviceConnectionString('sensor')]
  await sendOne(before, 'one')
  const [first] = before.emulator.events.snapshot()
  await before.emulator.stop()

  await using after = await startEmulator({ address, dataDir })
  expect([after.emulator.connectionString, after.emulator.deviceConnectionString('sensor')]).toEqual(strings)
  expect(after.emulator.events.snapshot()).toEqual([first])
  await sendOne(after, 'two')
  expect(after.emulator.events.snapshot().map(({ sequenceNumber }) => sequenceNumber)).toEqual([0, 1])
})

test('a line that was being written at a sudden end is passed over', async () => {
  const before = await startEmulator({ dataDir })
  before.emulator.registry.createDevice({ deviceId: 'sensor' })
  await before.emulator.stop()
  await appendFile(join(dataDir, 'state.jsonl'), '["identities","half')
  const between = await startEmulator({ dataDir })
  between.emulator.registry.createDevice({ deviceId: 'other' })
  await between.emulator.stop()

  await using after = await startEmulator({ dataDir })
  expect([...after.emulator.registry.devices()].map(({ identity }) => identity.deviceId)).toEqual(['sensor', 'other'])
})

test('damage in the middle is said with its place', async () => {
  const before = await startEmulator({ dataDir })
  await before.emulator.stop()
  await appendFile(join(dataDir, 'state.jsonl'), 'not json\n["policies","x",null]\n')
  await expect(startEmulator({ dataDir })).rejects.toMatchObject({
    code: 'EMULATOR_DATA_DAMAGED',
    place: expect.stringMatching(/state\.jsonl:\d+$/),
  })
})

test('another number of partitions is refused', async () => {
  const before = await startEmulator({ dataDir })
  await before.emulator.stop()
  await expect(startEmulator({ dataDir, events: { partitions: 2 } })).rejects.toMatchObject({
    code: 'EMULATOR_PARTITIONS_CHANGED',
  })
})
