import { join } from 'node:path'
import type { FileType } from '../format/file-header.js'

const FILE_NAME = /^(\d{8,})\.(segment|index|snapshot)$/

/** Name of a file that is being written and does not count yet. */
export const DRAFT_SUFFIX = '.draft'

/** The file that keeps room on the medium for what must always be possible. */
export const RESERVE_NAME = 'reserve'

/** The folder for what is damaged. */
export const QUARANTINE_NAME = 'quarantine'

/** Path of a segment, of its index, or of the snapshot that stands before it. */
export function filePath(directory: string, type: FileType, segment: number): string {
  return join(directory, `${String(segment).padStart(8, '0')}.${type}`)
}

/** Numbers of the segments that have a file of a type, in order. */
export function segmentsWith(type: FileType, names: readonly string[]): number[] {
  const numbers: number[] = []
  for (const name of names) {
    const match = FILE_NAME.exec(name)
    if (match !== null && match[2] === type) numbers.push(Number(match[1]))
  }
  return numbers.sort((a, b) => a - b)
}
