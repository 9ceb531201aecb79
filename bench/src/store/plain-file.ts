import { type FileHandle, mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'

const LENGTH_BYTES = 4

/**
 * The least that durable storage can be, and with it the ceiling of every store: batches appended to a file, one write
 * and one fdatasync each.
 */
export class PlainFile {
  #written = 0

  private constructor(readonly file: FileHandle) {}

  static async create(folder: string): Promise<PlainFile> {
    return new PlainFile(await open(join(folder, 'plain'), 'w'))
  }

  async append(bytes: Buffer): Promise<void> {
    await this.file.write(bytes, 0, bytes.length, this.#written)
    await this.file.datasync()
    this.#written += bytes.length
  }

  close(): Promise<void> {
    return this.file.close()
  }
}

/** Messages per second read from a file of bodies with their lengths before them, so many bytes at a time. */
export async function readPlain(folder: string, bodyBytes: number, count: number, chunk: number): Promise<number> {
  const path = join(folder, 'plain')
  const frame = Buffer.alloc(LENGTH_BYTES + bodyBytes, 'x')
  frame.writeUInt32LE(bodyBytes)
  const file = await open(path, 'w+')
  const thousand = Buffer.concat(Array.from({ length: 1_000 }, () => frame))
  for (let written = 0; written < count; written += 1_000) await file.write(thousand)
  const began = performance.now()
  for (let at = 0, messages = 0; messages < count; ) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafeSlow(chunk), 0, chunk, at)
    const bodies = split(buffer, bytesRead)
    messages += bodies.length
    at += bodies.length * frame.length
  }
  const rate = (count * 1_000) / (performance.now() - began)
  await file.close()
  await rm(path)
  return rate
}

function split(buffer: Buffer, end: number): Buffer[] {
  const bodies: Buffer[] = []
  for (let at = 0; at + LENGTH_BYTES <= end; ) {
    const next = at + LENGTH_BYTES + buffer.readUInt32LE(at)
    if (next > end) break
    bodies.push(buffer.subarray(at + LENGTH_BYTES, next))
    at = next
  }
  return bodies
}

/** Messages per second that are gone when files of 32 MiB are deleted and the folder is synced. */
export async function deletePlain(folder: string, bodyBytes: number, count: number): Promise<number> {
  const path = join(folder, 'plain-files')
  await mkdir(path)
  const segment = Buffer.alloc(33_554_432, 'x')
  const names: string[] = []
  for (let bytes = 0; bytes < count * bodyBytes; bytes += segment.length) {
    const name = join(path, `${names.length}`)
    await using file = await open(name, 'w')
    await file.write(segment)
    await file.sync()
    names.push(name)
  }
  const began = performance.now()
  for (const name of names) await rm(name)
  await using directory = await open(path, 'r')
  await directory.sync()
  const rate = (count * 1_000) / (performance.now() - began)
  await rm(path, { recursive: true })
  return rate
}
