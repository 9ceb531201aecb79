import { createMessage } from '@edgewright/core'
import { expect, test } from 'vitest'
import { EventLog } from './event-log.js'

let now = 0
const event = (deviceId: string, bytes = 1) => ({
  sender: { deviceId },
  generationId: '1',
  authentication: { scope: 'device', type: 'sas' } as const,
  source: 'Telemetry' as const,
  message: createMessage({ body: Buffer.alloc(bytes) }),
})

test('a device’s events are in one partition, in order, and found by position and time', () => {
  const log = new EventLog(() => ++now)
  const partition = log.partitionOf('press')
  for (let n = 0; n < 5; n += 1) log.append(event('press'))
  expect(log.state(partition)).toMatchObject({ firstSequenceNumber: 0, lastSequenceNumber: 4, isEmpty: false })
  expect(log.at(partition, 2)).toMatchObject({ sequenceNumber: 2, offset: '2', partition })
  expect(log.at(partition, 5)).toBeUndefined()
  const third = log.at(partition, 2)?.enqueuedTime ?? 0
  expect([third - 1, third, third + 1, third + 99].map(time => log.positionAt(partition, time))).toEqual([1, 2, 3, 5])
})

test('devices are spread over all partitions', () => {
  const log = new EventLog(() => 0, { partitions: 4 })
  const found = new Set(Array.from({ length: 100 }, (_, n) => log.partitionOf(`device-${n}`)))
  expect(found.size).toBe(4)
})

test('the oldest go when there is no more room, whichever partition they are in, and positions stay', () => {
  const log = new EventLog(() => 0, { retainedBytes: 10_000 })
  log.append(event('quiet', 1_000))
  const quiet = log.partitionOf('quiet')
  for (let n = 0; n < 100; n += 1) log.append(event('loud', 1_000))
  expect(log.size).toBeLessThan(10)
  expect(log.taken).toBe(101)
  expect(log.nextSequenceNumbers()[log.partitionOf('loud')]).toBe(log.partitionOf('loud') === quiet ? 101 : 100)
  expect(Array.from(log, ({ sender }) => sender.deviceId)).not.toContain('quiet')
})
