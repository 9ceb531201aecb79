import { join } from 'node:path'
import type { FileSystem } from '../files/file-system.js'
import { DRAFT_SUFFIX, filePath, segmentsWith } from '../files/names.js'
import type { RecoveredStore } from './recover.js'

/**
 * Deletes what no recovery will ask for again: drafts, and files of segments and snapshots that do not count. What is
 * damaged and could not be set aside stays.
 */
export async function clearLeftovers(
  fileSystem: FileSystem,
  directory: string,
  { catalog, snapshots, findings }: RecoveredStore,
): Promise<void> {
  const damaged = new Set(findings.map(({ file }) => file))
  const names = (await fileSystem.list(directory)).filter(name => !damaged.has(name))
  const gone = names.filter(name => name.endsWith(DRAFT_SUFFIX)).map(name => join(directory, name))
  for (const type of ['segment', 'index'] as const) {
    const unknown = segmentsWith(type, names).filter(number => !catalog.segments.has(number))
    gone.push(...unknown.map(number => filePath(directory, type, number)))
  }
  const counting = new Set(snapshots.slice(-2))
  const old = segmentsWith('snapshot', names).filter(number => !counting.has(number))
  gone.push(...old.map(number => filePath(directory, 'snapshot', number)))
  for (const path of gone) await fileSystem.remove(path)
}
