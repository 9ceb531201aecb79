import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Changes up to three places in the files of a folder: bits flipped, bytes zeroed or made up, ends cut off. */
export async function damageFiles(directory: string, random: () => number): Promise<void> {
  const names = (await readdir(directory, { withFileTypes: true })).filter(entry => entry.isFile())
  for (let times = 1 + Math.floor(random() * 3); times > 0; times--) {
    const path = join(directory, names[Math.floor(random() * names.length)]!.name)
    await writeFile(path, damaged(await readFile(path), random))
  }
}

function damaged(bytes: Buffer, random: () => number): Buffer {
  if (bytes.length === 0) return bytes
  const at = Math.floor(random() * bytes.length)
  const end = Math.min(bytes.length, at + Math.ceil(random() * 600))
  const kind = Math.floor(random() * 4)
  if (kind === 0) bytes[at]! ^= 1 << Math.floor(random() * 8)
  else if (kind === 1) bytes.fill(0, at, end)
  else if (kind === 2) for (let i = at; i < end; i++) bytes[i] = Math.floor(random() * 256)
  return kind === 3 ? bytes.subarray(0, at) : bytes
}
