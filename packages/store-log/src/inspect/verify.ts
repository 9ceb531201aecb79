import { basename } from 'node:path'
import { SEGMENT_SPAN } from '../catalog/address.js'
import type { FileSystem } from '../files/file-system.js'
import { filePath, segmentsWith } from '../files/names.js'
import { nodeFileSystem } from '../files/node-file-system.js'
import { readWhole } from '../files/whole-file.js'
import type { Finding } from '../findings.js'
import { decodeFileHeader, FILE_HEADER_BYTES, type FileType } from '../format/file-header.js'
import { scanRecords } from '../format/record.js'
import { recover } from '../recovery/recover.js'
import { lockStore } from './lock-store.js'

/** What there is of one file. */
export interface FileReport {
  readonly name: string
  readonly type: FileType
  readonly bytes: number
  /** Version of the format; absent when the file's own header is damaged. */
  readonly version?: number | undefined
  /** Records that are intact. */
  readonly records: number
  /** Bytes that are part of no intact record. */
  readonly damagedBytes: number
}

/** What a verification has found. */
export interface StoreVerification {
  readonly path: string
  readonly files: readonly FileReport[]
  /** What is wrong; a log that a crash has cut off (`torn`) is not. */
  readonly findings: readonly Finding[]
  readonly isIntact: boolean
}

/**
 * Reads every byte of a store that is not in use, and changes none.
 *
 * @throws `STORE_IN_USE`; `STORE_DAMAGED` when a newer version has written it; `STORE_FAILED` when it cannot be read
 */
export async function verifyStore(
  path: string,
  { fileSystem = nodeFileSystem }: { readonly fileSystem?: FileSystem } = {},
): Promise<StoreVerification> {
  const lock = await lockStore(fileSystem, path)
  try {
    const { findings, catalog } = await recover(fileSystem, path)
    const names = await fileSystem.list(path)
    const files: FileReport[] = []
    for (const type of ['snapshot', 'segment', 'index'] as const) {
      for (const number of segmentsWith(type, names)) {
        const salt = catalog.segments.get(number)?.salt
        files.push(await reportFile(fileSystem, filePath(path, type, number), type, salt))
      }
    }
    const all = [...findings, ...files.flatMap(file => unnoticed(file, findings))]
    return { path, files, findings: all, isIntact: all.every(({ kind }) => kind === 'torn') }
  } finally {
    await lock.release()
  }
}

/** @param salt - where the checksums start from, if others know it; the file's own header may be damaged */
async function reportFile(
  fileSystem: FileSystem,
  path: string,
  type: FileType,
  salt: number | undefined,
): Promise<FileReport> {
  const bytes = (await readWhole(fileSystem, path, 4 * SEGMENT_SPAN)) ?? Buffer.alloc(0)
  const header = decodeFileHeader(bytes, type)
  const report = { name: basename(path), type, bytes: bytes.length, version: header?.version }
  const known = header?.salt ?? salt
  if (known === undefined) return { ...report, records: 0, damagedBytes: bytes.length }
  let records = 0
  let damagedBytes = header === undefined ? FILE_HEADER_BYTES : 0
  scanRecords(bytes, known, FILE_HEADER_BYTES, {
    record: () => records++,
    gap: (from, to) => {
      damagedBytes += to - from
    },
  })
  return { ...report, records, damagedBytes }
}

/** Damage that recovery does not look at, because it only asks for what it needs. */
function unnoticed({ name, damagedBytes }: FileReport, findings: readonly Finding[]): Finding[] {
  if (damagedBytes === 0 || findings.some(({ file }) => file === name)) return []
  const detail = 'not read when the store starts; what is wanted of it is found when it is read, or by a repair'
  return [{ kind: 'damaged', file: name, offset: 0, bytes: damagedBytes, isSetAside: false, detail }]
}

/** A verification as text, a line for each file and each finding. */
export function formatVerification({ path, files, findings, isIntact }: StoreVerification): string {
  const lines = files.map(({ name, bytes, version, records, damagedBytes }) => {
    const damage = damagedBytes === 0 ? '' : `, ${damagedBytes} bytes damaged`
    return `${name}  format ${version ?? 'unknown'}, ${bytes} bytes, ${records} records${damage}`
  })
  const wrong = findings.map(({ kind, file, offset, bytes, detail }) => {
    return file === undefined ? `${kind}: ${detail}` : `${kind}: ${file} from byte ${offset}, ${bytes} bytes: ${detail}`
  })
  return [path, ...lines, ...wrong, isIntact ? 'The store is intact.' : 'The store is damaged.'].join('\n')
}
