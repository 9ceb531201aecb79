import { chmod, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { randomUUID } from 'node:crypto'
import { dirname } from 'node:path'
import { EdgewrightError } from '@edgewright/core'

/** The most a file of keys or certificates may hold: 1 MiB. */
const MAX_BYTES = 1_048_576

/** Windows keeps no POSIX modes: access lists guard the files there. */
const HAS_MODES = process.platform !== 'win32'

/** What a private file holds; undefined when there is none. Refuses a file that other users can read. */
export async function readPrivateFile(path: string): Promise<Buffer | undefined> {
  const found = await stat(path).catch(absent)
  if (found === undefined) return undefined
  if (HAS_MODES && (found.mode & 0o077) !== 0) {
    throw new EdgewrightError('PRIVATE_FILE_EXPOSED', 'A private file can be read by other users', {
      place: path,
      remedy: `Replace what it holds if others had access, then run: chmod 600 ${path}`,
    })
  }
  return await readBounded(path)
}

/** What a file holds, if it has a size that a file of keys or certificates may have. */
export async function readBounded(path: string): Promise<Buffer> {
  const { size } = await stat(path)
  if (size > MAX_BYTES) {
    throw new EdgewrightError('FILE_TOO_LARGE', `A file of keys or certificates holds ${size} bytes`, {
      place: path,
      remedy: `Name the right file: at most ${MAX_BYTES} bytes are read.`,
    })
  }
  return await readFile(path)
}

/** Puts a file in place as a whole, durably, readable by this user alone; its folder is made when missing. */
export async function writePrivateFile(path: string, content: Uint8Array | string): Promise<void> {
  const folder = dirname(path)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const draft = `${path}.${randomUUID()}`
  try {
    await writeSynced(draft, content)
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
  await syncFolder(folder)
}

async function writeSynced(path: string, content: Uint8Array | string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  if (HAS_MODES) await chmod(path, 0o600)
}

async function syncFolder(path: string): Promise<void> {
  if (!HAS_MODES) return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined
  throw error
}
