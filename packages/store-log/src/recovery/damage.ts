import { basename } from 'node:path'
import { type Logger, silentLogger } from '@edgewright/core'
import { type Address, offsetOf } from '../catalog/address.js'
import type { Catalog } from '../catalog/catalog.js'
import { filePath } from '../files/names.js'
import type { Finding } from '../findings.js'
import type { Change, Removal } from '../log/group.js'
import type { Quarantine } from './quarantine.js'

/** Hears of what is wrong with files, once it is being set aside. */
export type FindingsListener = (findings: readonly Finding[]) => void

/** What reads have found damaged: told once, set aside, and waited for no more. */
export class Damage {
  readonly #known = new Set<Address>()
  #settingAside: Promise<void> = Promise.resolve()

  constructor(
    readonly catalog: Catalog,
    readonly quarantine: Quarantine,
    readonly logger: Logger,
    readonly listener: FindingsListener,
  ) {}

  /** @returns the change that forgets what lies there; undefined when it is known already */
  add(addresses: readonly Address[]): Change | undefined {
    const gone = new Set(addresses.filter(address => !this.#known.has(address)))
    if (gone.size === 0) return undefined
    for (const address of gone) this.#known.add(address)
    const findings = this.#findingsAt(gone)
    this.#settingAside = this.#settingAside.then(() => setAside(this.quarantine, findings, this.logger))
    this.report(findings)
    return this.#forgetting(gone)
  }

  report(findings: readonly Finding[]): void {
    for (const { kind, ...rest } of findings) {
      this.logger.log(kind === 'torn' ? 'info' : 'error', `store file ${kind}`, rest)
    }
    if (findings.length > 0) this.listener(findings)
  }

  /** Resolves when all of it is set aside. */
  idle(): Promise<void> {
    return this.#settingAside
  }

  #forgetting(gone: ReadonlySet<Address>): Change {
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
    return { appends: [], removals, puts }
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
}

/** Sets findings aside. What keeps it from doing so must not keep the store from working. */
export async function setAside(
  quarantine: Quarantine,
  findings: readonly Finding[],
  logger: Logger = silentLogger,
): Promise<void> {
  try {
    for (const finding of findings) await quarantine.keep(finding)
  } catch (error) {
    logger.log('warn', 'store could not set aside what is damaged', { error })
  }
}
