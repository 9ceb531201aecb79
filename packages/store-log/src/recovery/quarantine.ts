import { basename, join } from 'node:path'
import type { FileSystem, StoreFile } from '../files/file-system.js'
import { QUARANTINE_NAME } from '../files/names.js'
import { writeWhole } from '../files/whole-file.js'
import type { Finding } from '../findings.js'

/** Bytes that are kept at most; damage beyond is only reported. */
const MAX_QUARANTINE_BYTES = 67_108_864

/** The folder where damaged parts are set aside, for somebody to look at or to delete. */
export class Quarantine {
  readonly #path: string
  #held: number | undefined

  constructor(
    readonly fileSystem: FileSystem,
    readonly directory: string,
  ) {
    this.#path = join(directory, QUARANTINE_NAME)
  }

  /** Keeps a copy of damaged bytes; a file that is damaged as a whole is moved, which takes no room. */
  async keep({ isSetAside, file, offset, bytes }: Finding): Promise<void> {
    if (!isSetAside || file === undefined || bytes === 0) return
    await this.fileSystem.makeDirectory(this.#path)
    const path = join(this.directory, file)
    const kept = join(this.#path, `${file}-${offset}`)
    if (offset === 0 && bytes === (await this.#use(path, source => source.size()))) {
      await this.fileSystem.rename(path, kept)
    } else if (!(await this.fileSystem.list(this.#path)).includes(basename(kept)) && (await this.#hasRoom(bytes))) {
      await writeWhole(this.fileSystem, kept, [await this.#cut(path, offset, bytes)])
    }
  }

  async #hasRoom(bytes: number): Promise<boolean> {
    this.#held ??= await this.#count()
    if (this.#held + bytes > MAX_QUARANTINE_BYTES) return false
    this.#held += bytes
    return true
  }

  #cut(path: string, offset: number, bytes: number): Promise<Buffer> {
    return this.#use(path, async file => {
      const cut = Buffer.allocUnsafeSlow(bytes)
      return cut.subarray(0, await file.read(cut, offset))
    })
  }

  async #count(): Promise<number> {
    let bytes = 0
    for (const name of await this.fileSystem.list(this.#path)) {
      bytes += await this.#use(join(this.#path, name), file => file.size())
    }
    return bytes
  }

  async #use<T>(path: string, use: (file: StoreFile) => Promise<T>): Promise<T> {
    const file = await this.fileSystem.open(path, 'read')
    try {
      return await use(file)
    } finally {
      await file.close()
    }
  }
}
