import { access, constants, mkdir, realpath } from 'node:fs/promises'
import { EdgewrightError } from '@edgewright/core'
import { type Database, open, type RootDatabase } from 'lmdb'
import { decodeNumber, encodeNumber, LAYOUT_VERSION } from './layout.js'

/** One database of the environment: bytes to bytes, in order of the keys' bytes. */
export type Rows = Database<Buffer, Buffer>

/** The LMDB environment of a store, with a database for each kind of row. */
export interface Environment {
  readonly root: RootDatabase<Buffer, Buffer>
  /** Name of a queue → its row. */
  readonly queues: Rows
  /** Queue and position → entry. */
  readonly entries: Rows
  /** Number → payload that several entries share. */
  readonly payloads: Rows
  /** Number of a shared payload → entries that refer to it. */
  readonly references: Rows
  /** Time and entry → nothing. */
  readonly expiries: Rows
  /** Name of a table → its id. */
  readonly tables: Rows
  /** Table and key → value. */
  readonly rows: Rows
  /** Layout version and counters. */
  readonly meta: Rows
  close(): Promise<void>
}

const BINARY = { keyEncoding: 'binary', encoding: 'binary' } as const
const VERSION_KEY = Buffer.from('version')

/** Environments of this process: LMDB would share one silently. */
const openPaths = new Set<string>()

/**
 * Opens the environment in a folder, which is made when it does not exist.
 *
 * @throws `STORE_IN_USE`, `STORE_DAMAGED`, `STORE_FAILED`
 */
export async function openEnvironment(path: string): Promise<Environment> {
  const place = await makeFolder(path)
  if (openPaths.has(place)) throw inUse(place, process.pid)
  openPaths.add(place)
  try {
    return await openLocked(place)
  } catch (error) {
    openPaths.delete(place)
    throw error
  }
}

async function makeFolder(path: string): Promise<string> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    await access(path, constants.W_OK)
    return await realpath(path)
  } catch (cause) {
    throw new EdgewrightError('STORE_FAILED', `The folder cannot be used: ${(cause as Error).message}`, {
      place: path,
      remedy: 'Give the store a folder that this user may write to.',
      cause,
    })
  }
}

async function openLocked(path: string): Promise<Environment> {
  const root = openRoot(path)
  const database = (name: string): Rows => root.openDB<Buffer, Buffer>({ name, ...BINARY })
  const close = async (): Promise<void> => {
    await root.close()
    openPaths.delete(path)
  }
  try {
    assertAlone(root, path)
    const meta = database('meta')
    await assertVersion(meta, path)
    return {
      root,
      meta,
      queues: database('queues'),
      entries: database('entries'),
      payloads: database('payloads'),
      references: database('references'),
      expiries: database('expiries'),
      tables: database('tables'),
      rows: database('rows'),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

function openRoot(path: string): RootDatabase<Buffer, Buffer> {
  try {
    return open<Buffer, Buffer>({ path, noSubdir: false, maxDbs: 16, ...BINARY })
  } catch (cause) {
    throw new EdgewrightError('STORE_DAMAGED', 'LMDB cannot open the store', {
      place: path,
      remedy: 'Restore it from a copy, or move it away to start empty.',
      cause,
    })
  }
}

/** LMDB lists every process that has the environment open, and knows which of them have died. */
function assertAlone(root: RootDatabase<Buffer, Buffer>, path: string): void {
  root.get(VERSION_KEY)
  root.readerCheck()
  for (const [, reader] of root.readerList().matchAll(/^\s*(\d+) /gm)) {
    const pid = Number(reader)
    if (pid !== process.pid) throw inUse(path, pid)
  }
}

async function assertVersion(meta: Rows, path: string): Promise<void> {
  const found = meta.get(VERSION_KEY)
  if (found === undefined) {
    await meta.put(VERSION_KEY, encodeNumber(LAYOUT_VERSION))
    return
  }
  const version = decodeNumber(found)
  if (version === LAYOUT_VERSION) return
  throw new EdgewrightError('STORE_DAMAGED', `The store's layout is ${version}, this version reads ${LAYOUT_VERSION}`, {
    place: path,
    remedy: 'Use the version that wrote it, or move the folder away to start empty.',
  })
}

function inUse(path: string, pid: number): EdgewrightError {
  return new EdgewrightError('STORE_IN_USE', `Process ${pid} has the store open`, {
    place: path,
    remedy: 'Stop that process, or give this one another path.',
  })
}
