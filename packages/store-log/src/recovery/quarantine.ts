import { join } from 'node:path'
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

  /** Keeps a copy of the damaged bytes. @returns the path of the copy; undefined when there is none */
  async keep({ isSetAside, file, offset, bytes }: Finding): Promise<string | undefined> {
    if (!isSetAside || file === undefined || bytes === 0) return undefined
    const copy = join(this.#path, `${file}-${offset}`)
    await this.fileSystem.makeDirectory(this.#path)
    if ((await this.fileSystem.list(this.#path)).includes(`${file}-${offset}`)) return copy
    this.#held ??= await this.#count()
    if (this.#held + bytes > MAX_QUARANTINE_BYTES) return undefined
    this.#held += bytes
    await writeWhole(this.fileSystem, copy, [await this.#cut(join(this.directory, file), offset, bytes)])
    return copy
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
