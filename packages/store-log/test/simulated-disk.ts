import { setImmediate } from 'node:timers/promises'
import { EdgewrightError } from '@edgewright/core'
import type { FileSystem, StoreFile } from '../src/index.js'

/** What a power cut may keep or lose of a write. */
const SECTOR_BYTES = 512

/** One thing that was done to the disk, in order. */
type Operation =
  | { readonly kind: 'write'; readonly inode: number; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly inode: number; readonly size: number }
  | { readonly kind: 'sync'; readonly inode: number }
  | { readonly kind: 'create'; readonly path: string; readonly inode: number }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  | { readonly kind: 'remove'; readonly path: string }
  | { readonly kind: 'syncNames' }

/** How a disk misbehaves. */
export interface DiskFaults {
  /** Bytes of all files that fit. */
  capacity?: number
  /** Called before every operation; what it throws is thrown. */
  before?: (operation: 'open' | 'read' | 'write' | 'sync' | 'truncate' | 'rename' | 'remove' | 'syncNames') => void
}

class Inode {
  bytes: Buffer = Buffer.alloc(0)

  write(at: number, bytes: Uint8Array): void {
    const end = at + bytes.length
    if (end > this.bytes.length) this.bytes = Buffer.concat([this.bytes, Buffer.alloc(end - this.bytes.length)])
    this.bytes.set(bytes, at)
  }

  truncate(size: number): void {
    const bytes = Buffer.alloc(size)
    this.bytes.copy(bytes)
    this.bytes = bytes
  }
}

/** A disk in memory that remembers everything that was done to it, so that it can be had as a power cut leaves it. */
export class SimulatedDisk implements FileSystem {
  readonly faults: DiskFaults = {}
  readonly operations: Operation[] = []
  readonly #inodes: Inode[] = []
  readonly #names = new Map<string, number>()
  readonly #locks = new Set<string>()

  get files(): readonly string[] {
    return [...this.#names.keys()]
  }

  get used(): number {
    let bytes = 0
    for (const inode of this.#names.values()) bytes += this.#inodes[inode]!.bytes.length
    return bytes
  }

  bytesOf(path: string): Buffer {
    return this.#inodes[this.#names.get(path)!]!.bytes
  }

  /** Changes a file behind the store's back. */
  tamper(path: string, change: (bytes: Buffer) => Buffer | undefined): void {
    const bytes = change(Buffer.from(this.bytesOf(path)))
    if (bytes === undefined) this.#names.delete(path)
    else this.#inodes[this.#names.get(path)!]!.bytes = bytes
  }

  /** The disk as another process finds it when the one that wrote was killed: everything that was written is there. */
  afterKill(): SimulatedDisk {
    const after = new SimulatedDisk()
    for (const [path, inode] of this.#names) {
      after.#names.set(path, after.#inodes.length)
      after.#inode(after.#inodes.length).write(0, this.#inodes[inode]!.bytes)
    }
    return after
  }

  /**
   * The disk after a power cut: what was synced, and of the rest whatever chance wants. Names are kept as by a
   * journal, in order up to some point; bytes of files by sector, in any order.
   *
   * @param cut - how many operations were done
   */
  afterPowerCut(cut: number, random: () => number): SimulatedDisk {
    const done = this.operations.slice(0, cut)
    const after = new SimulatedDisk()
    const keepRate = random()
    const lastSync = new Map<number, number>()
    for (const [index, operation] of done.entries()) if (operation.kind === 'sync') lastSync.set(operation.inode, index)
    const syncedNames = done.findLastIndex(({ kind }) => kind === 'syncNames')
    const keptNames = syncedNames + Math.floor(random() * (done.length - syncedNames + 1))
    for (const [index, operation] of done.entries()) {
      if ('inode' in operation) after.#inode(operation.inode)
      if (operation.kind === 'write') {
        const isSynced = index < (lastSync.get(operation.inode) ?? -1)
        after.#inode(operation.inode).write(operation.at, Buffer.alloc(0))
        writeSectors(after.#inode(operation.inode), operation, () => isSynced || random() < keepRate)
      } else if (operation.kind === 'truncate') {
        const isSynced = index < (lastSync.get(operation.inode) ?? -1)
        if (isSynced || random() < keepRate) after.#inode(operation.inode).truncate(operation.size)
      } else if (index <= keptNames) after.#rename(operation)
    }
    return after
  }

  async makeDirectory(): Promise<void> {}

  async list(path: string): Promise<readonly string[]> {
    const names = [...this.#names.keys()].filter(name => name.startsWith(`${path}/`))
    return names.map(name => name.slice(path.length + 1)).filter(name => !name.includes('/'))
  }

  async open(path: string, mode: 'read' | 'write' | 'create'): Promise<StoreFile> {
    await this.#step('open')
    const found = this.#names.get(path)
    if (mode === 'create' && found !== undefined) throw systemError('EEXIST')
    if (mode !== 'create' && found === undefined) throw systemError('ENOENT')
    const inode = found ?? this.#inodes.length
    if (found === undefined) {
      this.#inode(inode)
      this.#do({ kind: 'create', path, inode })
    }
    return this.#file(inode)
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#step('rename')
    if (!this.#names.has(from)) throw systemError('ENOENT')
    this.#do({ kind: 'rename', from, to })
  }

  async remove(path: string): Promise<void> {
    await this.#step('remove')
    if (this.#names.has(path)) this.#do({ kind: 'remove', path })
  }

  async syncDirectory(): Promise<void> {
    await this.#step('syncNames')
    this.operations.push({ kind: 'syncNames' })
  }

  async lock(path: string): Promise<{ release(): Promise<void> }> {
    if (this.#locks.has(path)) throw new EdgewrightError('STORE_IN_USE', 'locked', { remedy: 'Wait.' })
    this.#locks.add(path)
    return { release: async () => void this.#locks.delete(path) }
  }

  #file(inode: number): StoreFile {
    const node = this.#inodes[inode]!
    return {
      read: async (into, at) => {
        await this.#step('read')
        return at < node.bytes.length ? node.bytes.copy(into, 0, at) : 0
      },
      write: async (chunks, at) => {
        await this.#step('write')
        const bytes = Buffer.concat(chunks)
        const room = (this.faults.capacity ?? Infinity) - this.used - Math.max(0, at - node.bytes.length)
        const fits = Math.max(0, Math.min(bytes.length, node.bytes.length - at + room))
        node.write(at, bytes.subarray(0, fits))
        this.operations.push({ kind: 'write', inode, at, bytes: bytes.subarray(0, fits) })
        if (fits < bytes.length) throw systemError('ENOSPC')
      },
      sync: async () => {
        await this.#step('sync')
        this.operations.push({ kind: 'sync', inode })
      },
      truncate: async size => {
        await this.#step('truncate')
        node.truncate(size)
        this.operations.push({ kind: 'truncate', inode, size })
      },
      size: async () => node.bytes.length,
      close: async () => undefined,
    }
  }

  async #step(operation: Parameters<NonNullable<DiskFaults['before']>>[0]): Promise<void> {
    await setImmediate()
    this.faults.before?.(operation)
  }

  #do(operation: Operation): void {
    this.operations.push(operation)
    this.#rename(operation)
  }

  #rename(operation: Operation): void {
    if (operation.kind === 'create') this.#names.set(operation.path, operation.inode)
    else if (operation.kind === 'remove') this.#names.delete(operation.path)
    else if (operation.kind === 'rename') {
      this.#names.set(operation.to, this.#names.get(operation.from)!)
      this.#names.delete(operation.from)
    }
  }

  #inode(inode: number): Inode {
    return (this.#inodes[inode] ??= new Inode())
  }
}

/** An error as the operating system throws it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: simulated`), { code })
}

function writeSectors(inode: Inode, { at, bytes }: { at: number; bytes: Buffer }, isKept: () => boolean): void {
  for (let from = 0; from < bytes.length; ) {
    const to = Math.min(bytes.length, from + SECTOR_BYTES - ((at + from) % SECTOR_BYTES))
    if (isKept()) inode.write(at + from, bytes.subarray(from, to))
    from = to
  }
}
