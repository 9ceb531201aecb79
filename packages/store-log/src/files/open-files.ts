import type { FileSystem, StoreFile } from './file-system.js'

/** Files open for reading, no more than so many at a time unless more are in use. */
export class OpenFiles {
  readonly #open = new Map<string, { readonly file: Promise<StoreFile>; users: number }>()

  constructor(
    readonly fileSystem: FileSystem,
    readonly limit: number,
  ) {}

  /** Uses a file, which stays open for others to come. */
  async use<T>(path: string, use: (file: StoreFile) => Promise<T>): Promise<T> {
    const entry = this.#open.get(path) ?? { file: this.fileSystem.open(path, 'read'), users: 0 }
    this.#open.delete(path)
    this.#open.set(path, entry)
    entry.users++
    try {
      return await use(await this.#opened(path, entry.file))
    } finally {
      entry.users--
      await this.#closeSurplus()
    }
  }

  /** Closes a file, so that it may go. */
  async close(path: string): Promise<void> {
    const entry = this.#open.get(path)
    this.#open.delete(path)
    await entry?.file.then(
      file => file.close(),
      () => undefined,
    )
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#open.keys()].map(path => this.close(path)))
  }

  async #opened(path: string, file: Promise<StoreFile>): Promise<StoreFile> {
    try {
      return await file
    } catch (error) {
      this.#open.delete(path)
      throw error
    }
  }

  async #closeSurplus(): Promise<void> {
    for (const [path, entry] of this.#open) {
      if (this.#open.size <= this.limit) return
      if (entry.users === 0) await this.close(path)
    }
  }
}
