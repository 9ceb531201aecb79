import { join } from 'node:path'
import type { FileSystem } from './file-system.js'
import { RESERVE_NAME } from './names.js'

/**
 * Room that is kept on the medium, so that removals and rows can be written when nothing else can: a file of that
 * size, deleted when it comes to that.
 */
export class Reserve {
  readonly #path: string

  constructor(
    readonly fileSystem: FileSystem,
    directory: string,
    readonly bytes: number,
  ) {
    this.#path = join(directory, RESERVE_NAME)
  }

  /** Takes the room. Fails when there is not as much. */
  async take(): Promise<void> {
    await this.release()
    const file = await this.fileSystem.open(this.#path, 'create')
    try {
      await file.write([Buffer.alloc(this.bytes)], 0)
      await file.sync()
    } catch (error) {
      await this.release()
      throw error
    } finally {
      await file.close()
    }
  }

  async release(): Promise<void> {
    await this.fileSystem.remove(this.#path)
  }
}
