import assert from 'node:assert/strict'
import { seededRandom } from '@edgewright/testkit/store'
import { describe, it } from 'vitest'
import { ByteReader, ByteWriter, MAX_VARINT_BYTES, writeVarint } from './bytes.js'
import { decodeFileHeader, encodeFileHeader, FORMAT_VERSION } from './file-header.js'
import { decodeExpiry, encodeExpiry } from './items.js'
import { END, FENCE, RECORD_HEADER_BYTES, scanRecords, sealRecord } from './record.js'
import { SegmentIndexWriter, visitSegmentIndex } from './segment-index.js'
import { decodeSnapshot, encodeSnapshot, type Snapshot } from './snapshot.js'

const SALT = 0x1234_5678

describe('numbers', () => {
  it('come back as they were, up to 2^53 − 1', () => {
    const numbers = [1, 127, 128, 16_383, 16_384, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 40, Number.MAX_SAFE_INTEGER]
    const writer = new ByteWriter()
    for (const number of numbers) writer.varint(number).signed(-number).signed(number)
    const bytes = writer.varint(0).signed(0).take()
    const reader = new ByteReader(bytes, 0, bytes.length)
    // 2n + 1 of the greatest ones is no safe integer: a difference is never as great.
    for (const number of numbers.slice(0, -1)) {
      assert.deepEqual([reader.varint(), reader.signed(), reader.signed()], [number, -number, number])
    }
    assert.equal(reader.varint(), Number.MAX_SAFE_INTEGER)
    assert.equal(bytes.readUInt16LE(bytes.length - 2), 0)
    assert.ok(writeVarint(Buffer.alloc(9), Number.MAX_SAFE_INTEGER, 0) <= MAX_VARINT_BYTES)
  })

  it('are refused when they do not end, or are too large', () => {
    for (const bytes of [[], [128], Array(9).fill(255), [...Array(8).fill(255), 1]]) {
      assert.throws(() => new ByteReader(Buffer.from(bytes), 0, bytes.length).varint(), RangeError)
    }
    assert.throws(() => new ByteReader(Buffer.from([5, 65]), 0, 2).text(), RangeError)
  })

  it('say when something expires, or that it never does', () => {
    for (const time of [0, 1, 1_700_000_000_123, Number.POSITIVE_INFINITY]) {
      assert.equal(decodeExpiry(encodeExpiry(time)), time)
    }
    assert.equal(decodeExpiry(encodeExpiry(1.5)), 2)
    assert.equal(decodeExpiry(encodeExpiry(-5)), 0)
  })
})

describe('file headers', () => {
  it('come back as they were', () => {
    const header = { type: 'segment', segment: 2 ** 40, salt: 0xffff_ffff } as const
    assert.deepEqual(decodeFileHeader(encodeFileHeader(header), 'segment'), { ...header, version: FORMAT_VERSION })
  })

  it('are refused for another type, and with any bit changed', () => {
    const bytes = encodeFileHeader({ type: 'index', segment: 7, salt: SALT })
    assert.equal(decodeFileHeader(bytes, 'segment'), undefined)
    assert.equal(decodeFileHeader(bytes.subarray(0, 31), 'index'), undefined)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = Buffer.from(bytes)
      damaged[bit >>> 3]! ^= 1 << (bit & 7)
      assert.equal(decodeFileHeader(damaged, 'index'), undefined, `bit ${bit}`)
    }
  })
})

describe('records', () => {
  it('are found one after another', () => {
    assert.deepEqual(scan(log(['a', 'bb', ''])), ['a FENCE', 'bb', ' END'])
  })

  it('are told from damage: everything else is found, wherever a byte is changed', () => {
    const bytes = log(['first', 'second', 'third'])
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes)
      damaged[at]! ^= 0x55
      const found = scan(damaged)
      assert.equal(found.filter(text => text.startsWith('gap')).length, 1, `byte ${at}`)
      assert.equal(found.length, 3, `byte ${at}: ${found}`)
    }
  })

  it('are not found where others have written them: in a payload, or with another salt', () => {
    const foreign = log(['payload'], SALT + 1)
    const record = log([`before ${foreign.toString('latin1')} after`])
    record[record.length - 1]! ^= 1
    assert.deepEqual(scan(record), [`gap 0-${record.length}`])
    assert.deepEqual(scan(foreign), [`gap 0-${foreign.length}`])
  })

  it('are not looked for behind a length that nobody can have written', () => {
    const bytes = log(['x'])
    bytes.writeUInt32LE(0xffff_ffff, 4)
    assert.deepEqual(scan(bytes), [`gap 0-${bytes.length}`])
  })
})

describe('snapshots', () => {
  const snapshot: Snapshot = {
    segments: [
      { number: 3, salt: 1, size: 70_000 },
      { number: 9, salt: SALT, size: 32 },
    ],
    queues: [
      { id: 1, name: 'empty', next: 12, runs: [] },
      {
        id: 2,
        name: 'é/holes',
        next: 9_000,
        runs: Array.from({ length: 2_500 }, (_, i) => ({ from: 3 * i, through: 3 * i + (i % 2) })),
      },
    ],
    tables: [{ id: 3, name: 't' }],
    rows: [{ table: 3, key: 'k', segment: 3, offset: 77, length: 0 }],
  }

  it('come back as they were', () => {
    assert.deepEqual(decodeSnapshot(Buffer.concat(encodeSnapshot(snapshot, { number: 9, salt: SALT }))), snapshot)
  })

  it('count whole or not at all', () => {
    const bytes = Buffer.concat(encodeSnapshot(snapshot, { number: 9, salt: SALT }))
    const random = seededRandom(1)
    for (let round = 0; round < 300; round++) {
      const damaged = Buffer.from(bytes)
      damaged[Math.floor(random() * bytes.length)]! ^= 1 << Math.floor(random() * 8)
      assert.equal(decodeSnapshot(damaged), undefined)
      assert.equal(decodeSnapshot(bytes.subarray(0, Math.floor(random() * bytes.length))), undefined)
    }
    assert.equal(decodeSnapshot(Buffer.concat([bytes, Buffer.from([0])])), undefined)
  })
})

describe('indexes', () => {
  it('come back as they were', () => {
    const random = seededRandom(2)
    const records = Uint32Array.from({ length: 3_000 }, (_, i) => 32 + i * 40)
    const entries = Array.from({ length: 5_000 }, (_, i) => ({
      queue: 1 + Math.floor(i / 1_700),
      position: i * 2,
      offset: Math.floor(random() * 1e8),
      ordinal: Math.floor(random() * 1e6),
      length: Math.floor(random() * 1e5),
      expiresAt: random() < 0.5 ? Number.POSITIVE_INFINITY : 1_700_000_000_000 + Math.floor(random() * 1e9),
    }))
    const writer = new SegmentIndexWriter({ number: 4, salt: SALT }, records)
    for (const { queue, ...entry } of entries) writer.add(queue, entry)
    const found = { records: [] as number[], entries: [] as object[] }
    visitSegmentIndex(Buffer.concat(writer.finish()), SALT, {
      record: offset => found.records.push(offset),
      entry: (queue, entry) => found.entries.push({ queue, ...entry }),
    })
    assert.deepEqual(found, { records: [...records], entries })
  })
})

/** Records with these bodies, the first with a fence, the last with an end. */
function log(bodies: readonly string[], salt = SALT): Buffer {
  const records = bodies.map((text, index) => {
    const record = Buffer.concat([Buffer.alloc(RECORD_HEADER_BYTES), Buffer.from(text, 'latin1')])
    const flags = (index === 0 ? FENCE : 0) | (index === bodies.length - 1 && index > 0 ? END : 0)
    sealRecord(record, 0, record.length, flags, salt)
    return record
  })
  return Buffer.concat(records)
}

function scan(bytes: Buffer): string[] {
  const found: string[] = []
  scanRecords(bytes, SALT, 0, {
    record(at, end, flags) {
      const text = bytes.toString('latin1', at + RECORD_HEADER_BYTES, end)
      found.push(`${text}${flags & FENCE ? ' FENCE' : ''}${flags & END ? ' END' : ''}`)
    },
    gap: (from, to) => found.push(`gap ${from}-${to}`),
  })
  return found
}
