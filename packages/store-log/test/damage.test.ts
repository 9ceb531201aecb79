import assert from 'node:assert/strict'
import type { Store } from '@edgewright/core'
import { seededRandom } from '@edgewright/testkit/store'
import { describe, it } from 'vitest'
import { type Finding, LogStore } from '../src/index.js'
import { SimulatedDisk } from './simulated-disk.js'

const ROUNDS = Number(process.env.DAMAGE_ROUNDS ?? 200)
const MESSAGES = 1_200
const REMOVED = 200

/** Most bytes that a round damages, and what can be lost by them: the records that they touch. */
const LONGEST_DAMAGE = 600
const MOST_LOST = 60

describe('LogStore after a stop, with bytes damaged', () => {
  it(`starts, tells, and loses no more than the records that were hit (${ROUNDS} rounds)`, {
    timeout: 600_000,
  }, async () => {
    const intact = await prepared()
    const random = seededRandom(5)
    for (let round = 0; round < ROUNDS; round++) {
      const disk = intact.afterKill()
      const names = disk.files.filter(name => !name.endsWith('reserve'))
      const name = names[Math.floor(random() * names.length)]!
      disk.tamper(name, bytes => damaged(bytes, random))
      try {
        await assertMostlyThere(disk, name)
      } catch (error) {
        throw new Error(`round ${round}, ${name}: ${error instanceof Error ? error.stack : error}`)
      }
    }
  })

  it('sets aside what a read finds, once, and gives the rest', async () => {
    const disk = await prepared()
    const { store, findings } = await open(disk)
    const name = disk.files.find(file => file.endsWith('.segment'))!
    disk.tamper(name, bytes => bytes.fill(0, 40_000, 40_001))
    const [before, after] = [await numbers(store), await numbers(store)]
    assert.ok(before.length < MESSAGES - REMOVED && before.length > MESSAGES - REMOVED - MOST_LOST)
    assert.deepEqual(after, before)
    assert.equal(store.queue('q').length, before.length)
    assert.equal(findings.length, 1)
    await store.stop()
    assert.equal(disk.files.filter(file => file.includes('/quarantine/')).length, 1)
    const again = await open(disk)
    assert.deepEqual(await numbers(again.store), before)
    assert.deepEqual(again.findings, [])
    await again.store.stop()
  })

  it('refuses what a newer version has written', async () => {
    const disk = await prepared()
    const { encodeFileHeader } = await import('../src/format/file-header.js')
    const { crc32 } = await import('node:zlib')
    const name = disk.files.find(file => file.endsWith('.snapshot'))!
    disk.tamper(name, bytes => {
      encodeFileHeader({ type: 'snapshot', segment: 1, salt: 1 }).copy(bytes)
      bytes.writeUInt8(99, 9)
      bytes.writeUInt32LE(crc32(bytes.subarray(0, 28)), 28)
      return bytes
    })
    const newest = disk.files.filter(file => file.endsWith('.snapshot')).sort()
    for (const other of newest) if (other !== name) disk.tamper(other, () => undefined)
    await assert.rejects(open(disk), { code: 'STORE_DAMAGED' })
  })
})

async function prepared(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk()
  const { store } = await open(disk)
  for (let first = 0; first < MESSAGES; first += 20) {
    const append = Array.from({ length: 20 }, (_, i) => ({
      payload: Buffer.from(payloadOf(first + i)),
      queues: [{ queue: 'q' }],
    }))
    await store.write({
      append,
      put: [{ table: 't', key: `${first % 100}`, value: Buffer.from(`${first} `.repeat(50)) }],
    })
  }
  await store.write({ remove: [{ queue: 'q', through: REMOVED - 1 }] })
  await store.stop()
  return disk
}

async function open(disk: SimulatedDisk): Promise<{ readonly store: Store; readonly findings: Finding[] }> {
  const findings: Finding[] = []
  const store = new LogStore({
    path: '/store',
    fileSystem: disk,
    segmentBytes: 131_072,
    cacheBytes: 0,
    reserveBytes: 0,
  })
  store.on('findings', found => findings.push(...found))
  await store.start()
  return { store, findings }
}

async function assertMostlyThere(disk: SimulatedDisk, damagedFile: string): Promise<void> {
  const { store, findings } = await open(disk)
  const found = await numbers(store)
  const wanted = found.filter(number => number >= REMOVED)
  assert.ok(wanted.length >= MESSAGES - REMOVED - MOST_LOST, `only ${wanted.length} are there`)
  assert.ok(found.length === wanted.length || damagedFile.endsWith('.snapshot'), 'what was removed has come back')
  if (wanted.length < MESSAGES - REMOVED) assert.ok(findings.length > 0, 'nobody was told')
  await store.write({ append: [{ payload: Buffer.from(payloadOf(MESSAGES)), queues: [{ queue: 'q' }] }] })
  await store.stop()
  const again = await open(disk)
  assert.deepEqual(await numbers(again.store), [...found, MESSAGES])
  assert.deepEqual(again.findings, [], 'what was set aside is found again')
  await again.store.stop()
}

/** The numbers of the messages in the queue; each is as it was written, and they are in order. */
async function numbers(store: Store): Promise<number[]> {
  const found: number[] = []
  for (let from = 0; ; ) {
    const batch = await store.read('q', { from })
    if (batch.length === 0) return found
    for (const { payload } of batch) {
      const number = Number.parseInt(payload.toString(), 10)
      assert.equal(payload.toString(), payloadOf(number))
      assert.ok(number > (found.at(-1) ?? -1), `${number} comes after ${found.at(-1)}`)
      found.push(number)
    }
    from = batch.at(-1)!.position + 1
  }
}

function payloadOf(number: number): string {
  return `${number} `.repeat(1_000).slice(0, 700 + (number % 300))
}

/** Flips a bit, zeroes bytes or makes them up. */
function damaged(bytes: Buffer, random: () => number): Buffer {
  const at = Math.floor(random() * bytes.length)
  const end = Math.min(bytes.length, at + Math.ceil(random() * LONGEST_DAMAGE))
  const kind = Math.floor(random() * 3)
  if (kind === 0) bytes[at]! ^= 1 << Math.floor(random() * 8)
  else if (kind === 1) bytes.fill(0, at, end)
  else for (let i = at; i < end; i++) bytes[i] = Math.floor(random() * 256)
  return bytes
}
