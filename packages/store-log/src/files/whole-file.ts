import type { FileSystem } from './file-system.js'
import { DRAFT_SUFFIX } from './names.js'

/** Reads a file whole; undefined when it is longer than `limit` or cannot be read. */
export async function readWhole(fileSystem: FileSystem, path: string, limit: number): Promise<Buffer | undefined> {
  const file = await fileSystem.open(path, 'read').catch(() => undefined)
  if (file === undefined) return undefined
  try {
    const size = await file.size()
    if (size > limit) return undefined
    const bytes = Buffer.allocUnsafeSlow(size)
    return bytes.subarray(0, await file.read(bytes, 0))
  } finally {
    await file.close()
  }
}

/** Writes a file so that its name stands for all of it or nothing. Its directory is not synced. */
export async function writeWhole(fileSystem: FileSystem, path: string, chunks: readonly Uint8Array[]): Promise<void> {
  const draft = path + DRAFT_SUFFIX
  await fileSystem.remove(draft)
  const file = await fileSystem.open(draft, 'create')
  try {
    await file.write(chunks, 0)
    await file.sync()
  } finally {
    await file.close()
  }
  await fileSystem.rename(draft, path)
}
