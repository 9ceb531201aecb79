/** One open file. Offsets and sizes are bytes. */
export interface StoreFile {
  /** Fills the buffer from an offset. @returns how many bytes there were, fewer only at the end of the file */
  read(into: Uint8Array, at: number): Promise<number>
  /** Writes all of it. When it fails, any part may have been written. */
  write(chunks: readonly Uint8Array[], at: number): Promise<void>
  /** Resolves when what was written is on the medium. */
  sync(): Promise<void>
  truncate(size: number): Promise<void>
  size(): Promise<number>
  close(): Promise<void>
}

/** What a store needs of a file system: few enough operations that a test can stand in for the disk. */
export interface FileSystem {
  makeDirectory(path: string): Promise<void>
  /** Names in a directory; none when it does not exist. */
  list(path: string): Promise<readonly string[]>
  /** Opens a file: an existing one to read, an existing one to read and write, or one that must not exist yet. */
  open(path: string, mode: 'read' | 'write' | 'create'): Promise<StoreFile>
  rename(from: string, to: string): Promise<void>
  /** Removes a file; harmless when there is none. */
  remove(path: string): Promise<void>
  /** Resolves when the names in a directory are on the medium. */
  syncDirectory(path: string): Promise<void>
  /**
   * Takes a directory for this store alone, until released.
   *
   * @throws `STORE_IN_USE`
   */
  lock(path: string): Promise<DirectoryLock>
}

/** A directory that is taken. */
export interface DirectoryLock {
  release(): Promise<void>
}
