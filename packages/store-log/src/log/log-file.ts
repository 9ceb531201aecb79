import { type Address, offsetOf } from '../catalog/address.js'
import type { Segment } from '../catalog/segment.js'
import type { FileSystem, StoreFile } from '../files/file-system.js'
import { filePath } from '../files/names.js'
import { writeWhole } from '../files/whole-file.js'
import { encodeFileHeader } from '../format/file-header.js'

/** What became of a write that failed. */
export type Leftover =
  /** Something of it may stand behind what is durable. */
  | 'cut'
  /** Nobody knows what the medium made of the file: it must not be written to again. */
  | 'abandon'

/** The file at the end of the log. */
export class LogFile {
  #file: StoreFile | undefined
  #leftover: Leftover | undefined

  private constructor(
    readonly fileSystem: FileSystem,
    readonly directory: string,
    public segment: Segment,
  ) {}

  /** Goes on with a segment as recovery has found it, cut to what is intact. */
  static async reopen(fileSystem: FileSystem, directory: string, segment: Segment): Promise<LogFile> {
    const log = new LogFile(fileSystem, directory, segment)
    log.#file = await fileSystem.open(filePath(directory, 'segment', segment.number), 'write')
    if ((await log.#file.size()) > segment.size) await log.#file.truncate(segment.size)
    await log.#file.sync()
    await fileSystem.syncDirectory(directory)
    return log
  }

  /** Begins with a segment of its own. */
  static async create(
    fileSystem: FileSystem,
    directory: string,
    segment: Segment,
    snapshot: readonly Uint8Array[],
  ): Promise<LogFile> {
    const log = new LogFile(fileSystem, directory, segment)
    await log.begin(segment, snapshot)
    return log
  }

  /** Whether the next write must go to a new segment. */
  get isAbandoned(): boolean {
    return this.#leftover === 'abandon'
  }

  /**
   * Goes on with a new segment. It counts from the moment when its snapshot has its name; failing before that, the old
   * one stays the end of the log.
   */
  async begin(segment: Segment, snapshot: readonly Uint8Array[]): Promise<void> {
    const path = filePath(this.directory, 'segment', segment.number)
    await this.fileSystem.remove(path)
    const file = await this.fileSystem.open(path, 'create')
    try {
      const { number, salt } = segment
      await file.write([encodeFileHeader({ type: 'segment', segment: number, salt })], 0)
      await file.sync()
      await writeWhole(this.fileSystem, filePath(this.directory, 'snapshot', segment.number), snapshot)
    } catch (error) {
      await file.close()
      throw error
    }
    await this.close()
    this.#file = file
    this.segment = segment
    this.#leftover = undefined
    await this.#syncNames()
  }

  /** Writes what comes next, and resolves when it is durable. */
  async append(slices: readonly Uint8Array[], at: Address): Promise<void> {
    const file = this.#file!
    await this.discard()
    this.#leftover = 'cut'
    await file.write(slices, offsetOf(at))
    this.#leftover = 'abandon'
    await file.sync()
    this.#leftover = undefined
  }

  /** Takes away what a failed write has left, before anybody hears that it failed. Tried again with the next write. */
  async discard(): Promise<void> {
    if (this.#leftover === undefined) return
    await this.#file?.truncate(this.segment.size)
    await this.#file?.sync()
    if (this.#leftover === 'cut') this.#leftover = undefined
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }

  async #syncNames(): Promise<void> {
    this.#leftover = 'abandon'
    await this.fileSystem.syncDirectory(this.directory)
    this.#leftover = undefined
  }
}
