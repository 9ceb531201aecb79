import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import {
  describeStore,
  formatDescription,
  formatVerification,
  LogStore,
  repairStore,
  verifyStore,
} from '../src/index.js'
import { SimulatedDisk } from './simulated-disk.js'

const PATH = '/store'

describe('looking at a log store that is not in use', () => {
  it('describes what it holds', async () => {
    const disk = await filled()
    const description = await describeStore(PATH, { fileSystem: disk })
    assert.deepEqual(description.queues, [{ queue: 'q', length: 250, bytes: 250_000, head: 50, next: 300 }])
    assert.deepEqual(description.tables, [{ table: 't', rows: 1, bytes: 5 }])
    assert.ok(description.segments.length > 2)
    const text = formatDescription(description)
    assert.match(text, /^queue q: 250 entries, 250000 bytes, positions 50 to 300$/m)
    assert.match(text, /^table t: 1 rows, 5 bytes$/m)
  })

  it('verifies it without changing a byte', async () => {
    const disk = await filled()
    const before = disk.operations.length
    const verification = await verifyStore(PATH, { fileSystem: disk })
    assert.equal(disk.operations.length, before)
    assert.equal(verification.isIntact, true)
    assert.ok(verification.files.some(({ type, records }) => type === 'segment' && records > 0))
    assert.match(formatVerification(verification), /The store is intact\.$/)
  })

  it('finds what is damaged, and a repair sets it aside', async () => {
    const disk = await filled()
    const segment = disk.files.find(name => name.endsWith('.segment'))!
    disk.tamper(segment, bytes => bytes.fill(255, 60_000, 60_010))
    const verification = await verifyStore(PATH, { fileSystem: disk })
    assert.equal(verification.isIntact, false)
    assert.match(formatVerification(verification), /damaged: \d+\.segment from byte/)
    const findings = await repairStore(PATH, { fileSystem: disk })
    assert.equal(findings.length, 1)
    assert.ok(disk.files.some(name => name.includes('/quarantine/')))
    const { queues } = await describeStore(PATH, { fileSystem: disk })
    assert.ok(queues[0]!.length < 250 && queues[0]!.length > 200)
    assert.deepEqual(await repairStore(PATH, { fileSystem: disk }), [])
  })

  it('refuses to look at one that is in use', async () => {
    const disk = await filled()
    const store = new LogStore({ path: PATH, fileSystem: disk })
    await store.start()
    await assert.rejects(verifyStore(PATH, { fileSystem: disk }), { code: 'STORE_IN_USE' })
    await assert.rejects(describeStore(PATH, { fileSystem: disk }), { code: 'STORE_IN_USE' })
    await store.stop()
  })
})

it('looks for no store where there is none', async () => {
  const fileSystem = new SimulatedDisk()
  await assert.rejects(verifyStore(PATH, { fileSystem }), { code: 'STORE_FAILED' })
  await assert.rejects(describeStore('/nowhere/at/all'), { code: 'STORE_FAILED' })
  await assert.rejects(repairStore(PATH, { fileSystem }), { code: 'STORE_FAILED' })
  assert.deepEqual(fileSystem.files, [])
})

async function filled(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk()
  const store = new LogStore({ path: PATH, fileSystem: disk, segmentBytes: 65_536, reserveBytes: 0 })
  await store.start()
  for (let i = 0; i < 300; i++)
    await store.write({ append: [{ payload: Buffer.alloc(1_000, i), queues: [{ queue: 'q' }] }] })
  await store.write({
    remove: [{ queue: 'q', through: 49 }],
    put: [{ table: 't', key: 'k', value: Buffer.from('value') }],
  })
  await store.stop()
  return disk
}
