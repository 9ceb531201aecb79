import { EdgewrightError } from '@edgewright/core'
import { mediumError } from '../errors.js'
import type { DirectoryLock, FileSystem } from '../files/file-system.js'
import { segmentsWith } from '../files/names.js'

/**
 * Takes a store that exists, to look at it.
 *
 * @throws `STORE_IN_USE`; `STORE_FAILED` when there is none
 */
export async function lockStore(fileSystem: FileSystem, path: string): Promise<DirectoryLock> {
  if (segmentsWith('segment', await fileSystem.list(path)).length === 0) {
    throw new EdgewrightError('STORE_FAILED', 'There is no store', { place: path, remedy: 'Give the path of a store.' })
  }
  try {
    return await fileSystem.lock(path)
  } catch (error) {
    throw EdgewrightError.is(error) ? error : mediumError(error, path)
  }
}
