import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import { crc32 } from 'node:zlib'
import { EdgewrightError } from '@edgewright/core'
import { MemoryQueue, type SharedPayload } from './memory-queue.js'

/** First bytes of a snapshot: what it is, and the version of its format. */
const HEADER = Buffer.from('edgewright memory store 1\n')
const CHECKSUM_BYTES = 4

/** What follows header and checksum, in the serialisation of `node:v8`. Entries refer to payloads by index. */
interface Snapshot {
  readonly payloads: readonly Uint8Array[]
  readonly queues: readonly {
    readonly name: string
    readonly next: number
    readonly entries: readonly (readonly [position: number, payload: number, expiresAt: number | undefined])[]
  }[]
  readonly tables: ReadonlyMap<string, ReadonlyMap<string, Uint8Array>>
}

/** What a snapshot held. */
export interface RestoredContent {
  readonly queues: Map<string, MemoryQueue>
  readonly tables: Map<string, Map<string, Uint8Array>>
  /** Bytes of payloads, each once, and of rows. */
  readonly bytes: number
}

/** Writes a snapshot so that the path holds either the old file or the whole new one, also after a power cut. */
export async function saveSnapshot(
  path: string,
  queues: ReadonlyMap<string, MemoryQueue>,
  tables: Snapshot['tables'],
): Promise<void> {
  const body = serialize(describe(queues, tables))
  const checksum = Buffer.alloc(CHECKSUM_BYTES)
  checksum.writeUInt32LE(crc32(body))
  await mkdir(dirname(path), { recursive: true })
  const draft = `${path}.draft`
  await using file = await open(draft, 'w', 0o600)
  await file.writev([HEADER, checksum, body])
  await file.sync()
  await rename(draft, path)
  await using directory = await open(dirname(path), 'r')
  await directory.sync()
}

/**
 * Reads a snapshot and deletes it.
 *
 * @returns undefined when there is none
 * @throws `STORE_DAMAGED`, and leaves the file where it is
 */
export async function restoreSnapshot(path: string): Promise<RestoredContent | undefined> {
  let file: Buffer
  try {
    file = await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const content = restore(parse(file, path))
  await rm(path)
  return content
}

function describe(queues: ReadonlyMap<string, MemoryQueue>, tables: Snapshot['tables']): Snapshot {
  const indexes = new Map<SharedPayload, number>()
  const indexOf = (payload: SharedPayload): number => {
    const index = indexes.get(payload) ?? indexes.size
    indexes.set(payload, index)
    return index
  }
  const described = Array.from(queues.values(), queue => ({
    name: queue.name,
    next: queue.next,
    entries: Array.from(queue.entries(), entry => [entry.position, indexOf(entry.payload), entry.expiresAt] as const),
  }))
  return { payloads: Array.from(indexes.keys(), payload => payload.bytes), queues: described, tables }
}

function parse(file: Buffer, path: string): Snapshot {
  const body = file.subarray(HEADER.length + CHECKSUM_BYTES)
  const isWhole =
    file.length >= HEADER.length + CHECKSUM_BYTES &&
    file.subarray(0, HEADER.length).equals(HEADER) &&
    file.readUInt32LE(HEADER.length) === crc32(body)
  if (isWhole) return deserialize(body)
  throw new EdgewrightError('STORE_DAMAGED', 'The snapshot of the memory store cannot be read', {
    place: path,
    remedy: 'Move the file away to start empty.',
  })
}

function restore(snapshot: Snapshot): RestoredContent {
  const payloads = snapshot.payloads.map(bytes => ({ bytes, references: 0 }))
  const queues = new Map<string, MemoryQueue>()
  for (const { name, next, entries } of snapshot.queues) {
    const queue = new MemoryQueue(name)
    for (const [position, payload, expiresAt] of entries) {
      queue.restore({ position, payload: payloads[payload]!, expiresAt })
    }
    queue.next = next
    queues.set(name, queue)
  }
  const tables = new Map(Array.from(snapshot.tables, ([name, rows]) => [name, new Map(rows)]))
  return { queues, tables, bytes: bytesOf(payloads, tables) }
}

function bytesOf(payloads: readonly SharedPayload[], tables: RestoredContent['tables']): number {
  let bytes = payloads.reduce((sum, payload) => sum + payload.bytes.byteLength, 0)
  for (const rows of tables.values()) {
    for (const [key, value] of rows) bytes += Buffer.byteLength(key) + value.byteLength
  }
  return bytes
}
