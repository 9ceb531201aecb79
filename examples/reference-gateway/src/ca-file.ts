import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'

/** Writes what clients must trust to a file of its own. @returns its absolute path */
export async function writeCaFile(dataDir: string, trustBundle: string): Promise<string> {
  const path = resolve(dataDir, 'ca.pem')
  await writeFile(path, trustBundle)
  return path
}
