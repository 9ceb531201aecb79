import assert from 'node:assert/strict'
import { seededRandom } from '@edgewright/testkit/store'
import { describe, it } from 'vitest'
import { NOWHERE, packPayload } from './address.js'
import { LogQueue } from './log-queue.js'

interface Entry {
  readonly position: number
  address: number
  readonly expiresAt: number
}

describe('LogQueue', () => {
  it('holds what a plain list holds, whatever is done to it', () => {
    for (let seed = 1; seed <= 5; seed++) compare(seed)
  })

  it('forgets what never became durable', () => {
    const queue = filled(3_000)
    for (let position = 3_000; position < 4_500; position++) queue.push(position, position, packPayload(0, 1), Infinity)
    const released: number[] = []
    queue.rollback(address => released.push(address))
    assert.equal(released.length, 1_500)
    assert.deepEqual(queue.state, { queue: 'q', length: 3_000, bytes: 3_000, head: 0, next: 3_000 })
    queue.push(3_000, 7, packPayload(0, 1), Infinity)
    assert.equal(queue.state.next, 3_000)
    queue.reveal()
    assert.equal(queue.state.next, 3_001)
  })

  it('waits for entries to be placed, and gives up those that are not', () => {
    const queue = new LogQueue(1, 'q')
    queue.expect({ from: 5, through: 2_004 })
    for (let position = 5; position < 2_005; position += 2) {
      assert.ok(
        queue.relocate(position, position + 1, packPayload(0, 10), Infinity, () => assert.fail('nothing was there')),
      )
    }
    assert.equal(queue.addressOf(6), NOWHERE)
    assert.equal(queue.removeUnplaced(), 1_000)
    assert.deepEqual(queue.state, { queue: 'q', length: 1_000, bytes: 10_000, head: 5, next: 2_005 })
    assert.equal(queue.runs().length, 1_000)
  })

  it('keeps little memory for a queue that is short but busy', () => {
    const queue = new LogQueue(1, 'q')
    for (let position = 0; position < 100_000; position++) {
      queue.push(position, 1, packPayload(0, 1), Infinity)
      queue.reveal()
      queue.remove({ from: 0, through: position - 3 }, () => undefined)
    }
    assert.equal(queue.length, 3)
  })
})

function filled(count: number): LogQueue {
  const queue = new LogQueue(1, 'q')
  for (let position = 0; position < count; position++) queue.push(position, position, packPayload(0, 1), Infinity)
  queue.reveal()
  return queue
}

function compare(seed: number): void {
  const random = seededRandom(seed)
  const pick = (count: number) => Math.floor(random() * count)
  const queue = new LogQueue(1, 'q')
  let list: Entry[] = []
  for (let round = 0; round < 25; round++) {
    for (let count = pick(700); count > 0; count--) {
      const entry = {
        position: queue.next + (pick(50) === 0 ? 3 : 0),
        address: 1 + pick(10_000),
        expiresAt: pick(1_000),
      }
      queue.push(entry.position, entry.address, packPayload(0, 2), entry.expiresAt)
      list.push(entry)
    }
    queue.reveal()
    const from = pick(2) === 0 ? 0 : pick(queue.next)
    const through = from + pick(600)
    const gone = list.filter(({ position }) => position >= from && position <= through)
    assert.equal(
      queue.remove({ from, through }, () => undefined),
      gone.length,
    )
    list = list.filter(entry => !gone.includes(entry))
    const moved = list[pick(list.length)]
    if (moved !== undefined) {
      moved.address = 20_000 + round
      assert.ok(queue.relocate(moved.position, moved.address, packPayload(0, 2), moved.expiresAt, () => undefined))
    }
    assertSame(queue, list, pick(1_000))
  }
}

function assertSame(queue: LogQueue, list: readonly Entry[], now: number): void {
  const entries: Entry[] = []
  queue.visit(0, (address, _payload, position, expiresAt) => {
    entries.push({ position, address, expiresAt })
    return true
  })
  assert.deepEqual(entries, list)
  assert.equal(queue.length, list.length)
  assert.equal(queue.bytes, list.length * 2)
  assert.deepEqual(
    expand(queue.runs()),
    list.map(({ position }) => position),
  )
  const expired = list.filter(({ expiresAt }) => expiresAt <= now)
  assert.deepEqual(
    expand(queue.expiredRuns(now)),
    expired.map(({ position }) => position),
  )
  const within: number[] = []
  queue.visitWithin(5_000, 20_030, address => within.push(address))
  assert.deepEqual(
    within,
    list.map(({ address }) => address).filter(address => address >= 5_000 && address < 20_030),
  )
}

function expand(runs: readonly { readonly from: number; readonly through: number }[]): number[] {
  return runs.flatMap(({ from, through }) => Array.from({ length: through + 1 - from }, (_, i) => from + i))
}
