import { randomBytes } from 'node:crypto'
import { basename } from 'node:path'
import {
  type Clock,
  type Counter,
  type EdgewrightError,
  type Logger,
  memoryMeter,
  settleInOrder,
  silentLogger,
  systemClock,
} from '@edgewright/core'
import { type Address, offsetOf } from './catalog/address.js'
import type { Catalog } from './catalog/catalog.js'
import { snapshotOf } from './catalog/describe-catalog.js'
import { Segment } from './catalog/segment.js'
import { mediumError, mediumFull, quotaReached } from './errors.js'
import type { DirectoryLock, FileSystem } from './files/file-system.js'
import { filePath } from './files/names.js'
import { nodeFileSystem } from './files/node-file-system.js'
import { OpenFiles } from './files/open-files.js'
import { Reserve } from './files/reserve.js'
import type { Finding } from './findings.js'
import { encodeSnapshot } from './format/snapshot.js'
import type { Removal } from './log/group.js'
import { Housekeeper } from './log/housekeeper.js'
import { LogFile } from './log/log-file.js'
import { Reader } from './log/reader.js'
import { Tail } from './log/tail.js'
import { Writer, type WriterEvents } from './log/writer.js'
import { LOG_STORE_DEFAULTS, type LogStoreOptions, segmentBytesOf } from './options.js'
import { clearLeftovers } from './recovery/clear.js'
import { Quarantine } from './recovery/quarantine.js'
import { type RecoveredStore, recover } from './recovery/recover.js'

/** Milliseconds between two looks whether a full medium has room again. */
const PROBE_INTERVAL = 1_000

/** Hears of what is wrong with files, after it was set aside. */
export type FindingsListener = (findings: readonly Finding[]) => void

/** Everything that a running store is made of. */
export class OpenLog implements WriterEvents {
  readonly catalog: Catalog
  readonly reader: Reader
  readonly writer: Writer
  readonly #options: LogStoreOptions
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #counters: Readonly<Record<'changes' | 'syncs' | 'bytes' | 'refused' | 'damaged', Counter>>
  readonly #lock: DirectoryLock
  readonly #reserve: Reserve
  readonly #quarantine: Quarantine
  readonly #files: OpenFiles
  readonly #housekeeper: Housekeeper
  readonly #listener: FindingsListener
  /** Places whose damage is known already. */
  readonly #damaged = new Set<Address>()
  #isFull = false
  #nextProbe = 0
  #probing: Promise<void> | undefined
  #settingAside: Promise<void> = Promise.resolve()

  /**
   * Reads the store, sets aside what is damaged, and is ready for writing.
   *
   * @throws `STORE_IN_USE`, `STORE_DAMAGED`, `STORE_FULL`, `STORE_FAILED`
   */
  static async open(options: LogStoreOptions, listener: FindingsListener): Promise<OpenLog> {
    const { path, fileSystem = nodeFileSystem } = options
    await fileSystem.makeDirectory(path)
    const lock = await fileSystem.lock(path)
    try {
      const recovered = await recover(fileSystem, path)
      const reserve = new Reserve(fileSystem, path, options.reserveBytes ?? LOG_STORE_DEFAULTS.reserveBytes)
      await reserve.release()
      const quarantine = new Quarantine(fileSystem, path)
      await setAside(quarantine, recovered.findings, options.logger)
      await clearLeftovers(fileSystem, path, recovered)
      const file = await openFile(fileSystem, path, recovered)
      const log = new OpenLog(options, listener, lock, reserve, quarantine, recovered, file)
      await log.#takeReserve()
      if (recovered.findings.length > 0) log.#report(recovered.findings)
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
    quarantine: Quarantine,
    { catalog, snapshots, unindexed, active }: RecoveredStore,
    file: LogFile,
  ) {
    const { path: directory, fileSystem = nodeFileSystem, meter = memoryMeter() } = options
    this.catalog = catalog
    this.#options = options
    this.#listener = listener
    this.#lock = lock
    this.#reserve = reserve
    this.#quarantine = quarantine
    this.#clock = options.clock ?? systemClock
    this.#logger = options.logger ?? silentLogger
    this.#counters = {
      changes: meter.counter('store_changes'),
      syncs: meter.counter('store_syncs'),
      bytes: meter.counter('store_written_bytes'),
      refused: meter.counter('store_refused_changes'),
      damaged: meter.counter('store_findings'),
    }
    const tail = new Tail(options.cacheBytes ?? LOG_STORE_DEFAULTS.cacheBytes)
    const segmentBytes = segmentBytesOf(options)
    this.#files = new OpenFiles(fileSystem, options.openFiles ?? LOG_STORE_DEFAULTS.openFiles)
    this.reader = new Reader(catalog, tail, this.#files, directory)
    const household = {
      fileSystem,
      directory,
      segmentBytes,
      catalog,
      files: this.#files,
      reader: this.reader,
      logger: this.#logger,
      hasRoom: () => !this.#isFull,
      damaged: (addresses: readonly Address[]) => this.damaged(addresses),
    }
    this.#housekeeper = new Housekeeper(
      household,
      active === undefined ? [...snapshots, file.segment.number] : snapshots,
    )
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
    const { path, quota = Infinity } = this.#options
    const { live } = this.catalog
    const isPast = live + bytes > quota
    if (!isPast && !this.#isFull) return
    this.#counters.refused.add()
    if (isPast) throw quotaReached(path, live, quota)
    this.#probe()
    throw mediumFull(path)
  }

  /** The medium has damaged what lies there: it is set aside, and nobody waits for it any more. */
  damaged(addresses: readonly Address[]): void {
    const gone = new Set(addresses.filter(address => !this.#damaged.has(address)))
    if (gone.size === 0) return
    for (const address of gone) this.#damaged.add(address)
    const { removals, puts } = this.#referencesTo(gone)
    this.writer.write({ appends: [], removals, puts }).catch(error => {
      this.#logger.log('warn', 'store could not forget what is damaged', { error })
    })
    const findings = this.#findingsAt(gone)
    this.#settingAside = this.#settingAside.then(() => setAside(this.#quarantine, findings, this.#logger))
    this.#report(findings)
  }

  /** Lets everything that was given become durable, and lets go of the files. */
  async close(): Promise<void> {
    await settleInOrder([
      () => this.#housekeeper.stop(),
      () => this.writer.close(),
      () => this.#housekeeper.idle(),
      async () => this.#probing,
      () => this.reader.idle(),
      () => this.#settingAside,
      () => this.#files.closeAll(),
      () => this.#lock.release(),
    ])
  }

  durable(changes: number, bytes: number): void {
    this.#counters.changes.add(changes)
    this.#counters.syncs.add()
    this.#counters.bytes.add(bytes)
    this.#nextProbe = 0
    this.#housekeeper.tidy(this.writer)
  }

  sealed(segment: Segment, next: Segment): void {
    this.#housekeeper.sealed(segment, next)
  }

  async failed(cause: unknown): Promise<EdgewrightError> {
    const refusal = mediumError(cause, this.#options.path)
    this.#counters.refused.add()
    if (refusal.code === 'STORE_FULL') await this.#beFull(refusal)
    else this.#logger.log('error', 'store could not write', { error: refusal })
    return refusal
  }

  async #beFull(refusal: EdgewrightError): Promise<void> {
    if (!this.#isFull) this.#logger.log('error', 'store is full', { error: refusal })
    this.#isFull = true
    this.#nextProbe = this.#clock.monotonic() + PROBE_INTERVAL
    await this.#reserve.release().catch(() => undefined)
  }

  /** Looks whether the medium has room again: when the reserve can be taken. */
  #probe(): void {
    const now = this.#clock.monotonic()
    if (this.#probing !== undefined || now < this.#nextProbe) return
    this.#nextProbe = now + PROBE_INTERVAL
    this.#probing = this.#takeReserve().then(() => {
      this.#probing = undefined
    })
  }

  async #takeReserve(): Promise<void> {
    try {
      await this.#reserve.take()
      if (this.#isFull) this.#logger.log('info', 'store has room again')
      this.#isFull = false
    } catch (error) {
      if (!this.#isFull) this.#logger.log('error', 'store is full', { error })
      this.#isFull = true
    }
  }

  #referencesTo(gone: ReadonlySet<Address>): { removals: Removal[]; puts: { table: string; key: string }[] } {
    const [lowest, highest] = [Math.min(...gone), Math.max(...gone)]
    const removals: Removal[] = []
    for (const queue of this.catalog.queues.values()) {
      queue.visitWithin(lowest, highest + 1, (address, _payload, position) => {
        if (gone.has(address)) removals.push({ queue, from: position, through: position, count: 0 })
      })
    }
    const puts: { table: string; key: string }[] = []
    for (const table of this.catalog.tables.values()) {
      for (const [key, row] of table.rows) if (gone.has(row.address)) puts.push({ table: table.name, key })
    }
    return { removals, puts }
  }

  #findingsAt(gone: ReadonlySet<Address>): Finding[] {
    const findings = new Map<string, Finding>()
    for (const address of gone) {
      const segment = this.catalog.segmentAt(address)
      if (segment === undefined) continue
      const { start, end } = segment.recordAround(offsetOf(address))
      const file = basename(filePath('', 'segment', segment.number))
      const detail = 'found when it was read; what it held is lost'
      const finding = { kind: 'damaged', file, offset: start, bytes: end - start, isSetAside: true, detail } as const
      findings.set(`${file}-${start}`, finding)
    }
    return [...findings.values()]
  }

  #report(findings: readonly Finding[]): void {
    this.#counters.damaged.add(findings.length)
    for (const { kind, ...rest } of findings) {
      this.#logger.log(kind === 'torn' ? 'info' : 'error', `store file ${kind}`, rest)
    }
    this.#listener(findings)
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

/** Whatever keeps damage from being set aside must not keep the store from working. */
async function setAside(quarantine: Quarantine, findings: readonly Finding[], logger = silentLogger): Promise<void> {
  try {
    for (const finding of findings) await quarantine.keep(finding)
  } catch (error) {
    logger.log('warn', 'store could not set aside what is damaged', { error })
  }
}
