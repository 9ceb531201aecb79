import { randomBytes } from 'node:crypto'
import {
  type Counter,
  EdgewrightError,
  type Logger,
  memoryMeter,
  settleInOrder,
  silentLogger,
  systemClock,
} from '@edgewright/core'
import type { Address } from './catalog/address.js'
import type { Catalog } from './catalog/catalog.js'
import { snapshotOf } from './catalog/describe-catalog.js'
import { Segment } from './catalog/segment.js'
import { mediumError } from './errors.js'
import type { DirectoryLock, FileSystem } from './files/file-system.js'
import { nodeFileSystem } from './files/node-file-system.js'
import { OpenFiles } from './files/open-files.js'
import { Reserve } from './files/reserve.js'
import { encodeSnapshot } from './format/snapshot.js'
import { Housekeeper } from './log/housekeeper.js'
import { LogFile } from './log/log-file.js'
import { Reader } from './log/reader.js'
import { Room } from './log/room.js'
import { Tail } from './log/tail.js'
import { Writer, type WriterEvents } from './log/writer.js'
import { LOG_STORE_DEFAULTS, type LogStoreOptions, segmentBytesOf } from './options.js'
import { clearLeftovers } from './recovery/clear.js'
import { Damage, type FindingsListener, setAside } from './recovery/damage.js'
import { Quarantine } from './recovery/quarantine.js'
import { type RecoveredStore, recover } from './recovery/recover.js'

type Counters = Readonly<Record<'changes' | 'syncs' | 'bytes' | 'refused' | 'findings', Counter>>

/** Everything that a running store is made of. */
export class OpenLog implements WriterEvents {
  readonly catalog: Catalog
  readonly reader: Reader
  readonly writer: Writer
  readonly #path: string
  readonly #logger: Logger
  readonly #counters: Counters
  readonly #lock: DirectoryLock
  readonly #files: OpenFiles
  readonly #room: Room
  readonly #damage: Damage
  readonly #housekeeper: Housekeeper

  /**
   * Reads the store, sets aside what is damaged, and is ready for writing.
   *
   * @throws `STORE_IN_USE`, `STORE_DAMAGED`, `STORE_FULL`, `STORE_FAILED`
   */
  static async open(options: LogStoreOptions, listener: FindingsListener): Promise<OpenLog> {
    try {
      return await OpenLog.#open(options, listener)
    } catch (error) {
      throw EdgewrightError.is(error) ? error : mediumError(error, options.path)
    }
  }

  static async #open(options: LogStoreOptions, listener: FindingsListener): Promise<OpenLog> {
    const { path, fileSystem = nodeFileSystem, logger } = options
    await fileSystem.makeDirectory(path)
    const lock = await fileSystem.lock(path)
    try {
      const recovered = await recover(fileSystem, path)
      const reserve = new Reserve(fileSystem, path, options.reserveBytes ?? LOG_STORE_DEFAULTS.reserveBytes)
      await reserve.release()
      await setAside(new Quarantine(fileSystem, path), recovered.findings, logger)
      await clearLeftovers(fileSystem, path, recovered)
      const file = await openFile(fileSystem, path, recovered)
      const log = new OpenLog(options, listener, lock, reserve, recovered, file)
      await log.#room.takeReserve()
      log.#damage.report(recovered.findings)
      return log
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  private constructor(
    options: LogStoreOptions,
    listener: FindingsListener,
    lock: DirectoryLock,
    reserve: Reserve,
    { catalog, snapshots, unindexed, active }: RecoveredStore,
    file: LogFile,
  ) {
    const { path: directory, fileSystem = nodeFileSystem, logger = silentLogger, clock = systemClock } = options
    const tail = new Tail(options.cacheBytes ?? LOG_STORE_DEFAULTS.cacheBytes)
    const files = new OpenFiles(fileSystem, options.openFiles ?? LOG_STORE_DEFAULTS.openFiles)
    const reader = new Reader(catalog, tail, files, directory)
    const segmentBytes = segmentBytesOf(options)
    const counters = countersOf(options)
    this.catalog = catalog
    this.reader = reader
    this.#path = directory
    this.#logger = logger
    this.#counters = counters
    this.#lock = lock
    this.#files = files
    this.#room = new Room(catalog, reserve, directory, options.quota ?? Infinity, clock, logger)
    this.#damage = new Damage(catalog, new Quarantine(fileSystem, directory), logger, findings => {
      counters.findings.add(findings.length)
      listener(findings)
    })
    const hasRoom = () => !this.#room.isFull
    const damaged = (addresses: readonly Address[]) => this.damaged(addresses)
    const household = { fileSystem, directory, segmentBytes, catalog, files, reader, logger, hasRoom, damaged }
    const own = active === undefined ? [file.segment.number] : []
    this.#housekeeper = new Housekeeper(household, [...snapshots, ...own])
    for (const segment of unindexed) this.#housekeeper.sealed(segment, undefined)
    this.writer = new Writer(catalog, tail, file, segmentBytes, this)
    this.#housekeeper.tidy(this.writer)
  }

  /**
   * Whether there is room for so many bytes more.
   *
   * @throws `STORE_FULL`
   */
  assertRoom(bytes: number): void {
    if (bytes === 0) return
    try {
      this.#room.assert(bytes)
    } catch (error) {
      this.#counters.refused.add()
      throw error
    }
  }

  /** The medium has damaged what lies there: it is set aside, and nobody waits for it any more. */
  damaged(addresses: readonly Address[]): void {
    const change = this.#damage.add(addresses)
    if (change === undefined) return
    this.writer.write(change).catch(error => {
      this.#logger.log('warn', 'store could not forget what is damaged', { error })
    })
  }

  /** Lets everything that was given become durable, and lets go of the files. */
  async close(): Promise<void> {
    await settleInOrder([
      () => this.#housekeeper.stop(),
      () => this.writer.close(),
      () => this.#housekeeper.idle(),
      () => this.#room.idle(),
      () => this.reader.idle(),
      () => this.#damage.idle(),
      () => this.#files.closeAll(),
      () => this.#lock.release(),
    ])
  }

  durable(changes: number, bytes: number): void {
    this.#counters.changes.add(changes)
    this.#counters.syncs.add()
    this.#counters.bytes.add(bytes)
    this.#room.changed()
    this.#housekeeper.tidy(this.writer)
  }

  sealed(segment: Segment, next: Segment): void {
    this.#housekeeper.sealed(segment, next)
  }

  async failed(cause: unknown): Promise<EdgewrightError> {
    const refusal = mediumError(cause, this.#path)
    this.#counters.refused.add()
    if (refusal.code === 'STORE_FULL') await this.#room.exhausted(refusal)
    else this.#logger.log('error', 'store could not write', { error: refusal })
    return refusal
  }
}

function countersOf({ meter = memoryMeter() }: LogStoreOptions): Counters {
  return {
    changes: meter.counter('store_changes'),
    syncs: meter.counter('store_syncs'),
    bytes: meter.counter('store_written_bytes'),
    refused: meter.counter('store_refused_changes'),
    findings: meter.counter('store_findings'),
  }
}

/** The file to go on with, or a new one when the last is not fit for it. */
async function openFile(
  fileSystem: FileSystem,
  directory: string,
  { catalog, active, nextSegment }: RecoveredStore,
): Promise<LogFile> {
  if (active !== undefined) return LogFile.reopen(fileSystem, directory, active)
  const segment = new Segment(nextSegment, randomBytes(4).readUInt32LE())
  catalog.segments.set(segment.number, segment)
  return LogFile.create(fileSystem, directory, segment, encodeSnapshot(snapshotOf(catalog, segment), segment))
}
