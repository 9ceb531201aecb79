import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMessage } from '@edgewright/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { EventLog } from '../state/event-log.js'
import { EventFiles } from './event-files.js'

let folder: string
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'event-files-'))))
afterEach(() => rm(folder, { recursive: true }))

const log = () => new EventLog(() => 0, { retainedBytes: 300_000 })

function fill(target: EventLog, deviceId: string, count: number): void {
  for (let sent = 0; sent < count; sent += 1) {
    target.append({
      sender: { deviceId },
      generationId: '1',
      authentication: { scope: 'device', type: 'sas' },
      source: 'Telemetry',
      message: createMessage({ body: Buffer.alloc(200_000) }),
    })
  }
}

test('files whose events are no longer kept are removed, and partitions without events go on where they stood', async () => {
  const first = log()
  const files = await EventFiles.open(folder, first)
  fill(first, 'quiet', 1)
  fill(first, 'loud', 120)
  await files.close()
  expect(first.size).toBe(1)
  expect((await readdir(folder)).length).toBeLessThan(4)

  const second = log()
  await (await EventFiles.open(folder, second)).close()
  expect(second.nextSequenceNumbers()).toEqual(first.nextSequenceNumbers())
  expect([...second].map(({ sequenceNumber }) => sequenceNumber)).toEqual([119])
})
