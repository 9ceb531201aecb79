import fs from 'node:fs'
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { promisify } from 'node:util'
import { lockDirectory } from './directory-lock.js'
import type { FileSystem, StoreFile } from './file-system.js'

const FLAGS = Object.freeze({ read: 'r', write: 'r+', create: 'wx+' })

/** What is stored is nobody else's business. */
const DIRECTORY_MODE = 0o700
const FILE_MODE = 0o600

/** Buffers that one system call takes at most. */
const MAX_CHUNKS = 512

const openFile = promisify(fs.open)
const fdatasync = promisify(fs.fdatasync)
const ftruncate = promisify(fs.ftruncate)
const fstat = promisify(fs.fstat)
const close = promisify(fs.close)

/** The machine's own file system. */
export const nodeFileSystem: FileSystem = Object.freeze({
  async makeDirectory(path: string) {
    const first = await mkdir(path, { recursive: true, mode: DIRECTORY_MODE })
    if (first !== undefined) await syncParents(resolve(path), dirname(resolve(first)))
  },
  async list(path: string) {
    try {
      return await readdir(path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  },
  async open(path: string, mode: 'read' | 'write' | 'create') {
    return new NodeFile(await openFile(path, FLAGS[mode], FILE_MODE))
  },
  rename,
  remove: (path: string) => rm(path, { force: true }),
  syncDirectory,
  lock: lockDirectory,
})

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r')
  await directory.sync()
}

/** A new folder is on the medium when the one that it lies in is; so are all that were made on the way to it. */
async function syncParents(path: string, oldest: string): Promise<void> {
  for (let parent = dirname(path); parent.length >= oldest.length; parent = dirname(parent)) {
    await syncDirectory(parent)
    if (parent === dirname(parent)) return
  }
}

class NodeFile implements StoreFile {
  constructor(readonly fd: number) {}

  async read(into: Uint8Array, at: number): Promise<number> {
    let filled = 0
    while (filled < into.length) {
      const bytes = await readOnce(this.fd, into, filled, at + filled)
      if (bytes === 0) break
      filled += bytes
    }
    return filled
  }

  async write(chunks: readonly Uint8Array[], at: number): Promise<void> {
    for (let first = 0, offset = at; first < chunks.length; first += MAX_CHUNKS) {
      offset += await writeAll(this.fd, chunks.slice(first, first + MAX_CHUNKS), offset)
    }
  }

  sync(): Promise<void> {
    return fdatasync(this.fd)
  }

  truncate(size: number): Promise<void> {
    return ftruncate(this.fd, size)
  }

  async size(): Promise<number> {
    return (await fstat(this.fd)).size
  }

  close(): Promise<void> {
    return close(this.fd)
  }
}

function readOnce(fd: number, into: Uint8Array, from: number, at: number): Promise<number> {
  return new Promise((done, fail) => {
    fs.read(fd, into, from, into.length - from, at, (error, bytes) => (error ? fail(error) : done(bytes)))
  })
}

/** @returns how many bytes that were */
async function writeAll(fd: number, chunks: readonly Uint8Array[], at: number): Promise<number> {
  const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  let rest = chunks
  for (let written = 0; written < total; ) {
    const bytes = await writeOnce(fd, rest, at + written)
    written += bytes
    if (written < total) rest = without(rest, bytes)
  }
  return total
}

function writeOnce(fd: number, chunks: readonly Uint8Array[], at: number): Promise<number> {
  return new Promise((done, fail) => {
    const answer = (error: Error | null, bytes: number) => (error ? fail(error) : done(bytes))
    if (chunks.length === 1) fs.write(fd, chunks[0]!, 0, chunks[0]!.length, at, answer)
    else fs.writev(fd, chunks, at, answer)
  })
}

/** The chunks without their first bytes. */
function without(chunks: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  const rest: Uint8Array[] = []
  let skip = bytes
  for (const chunk of chunks) {
    if (skip < chunk.length) rest.push(chunk.subarray(skip))
    skip = Math.max(0, skip - chunk.length)
  }
  return rest
}
