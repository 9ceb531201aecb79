import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { settleInOrder } from '@edgewright/core'
import type { EventLog } from '../state/event-log.js'
import { EventFiles } from './event-files.js'
import { JournaledTables } from './journaled-tables.js'

/** Everything a hub keeps in a folder: `state.jsonl` for records, `events/` for the event log. */
export class HubStorage {
  readonly tables: JournaledTables
  readonly #folder: string
  #events: EventFiles | undefined

  private constructor(folder: string, tables: JournaledTables) {
    this.#folder = folder
    this.tables = tables
  }

  /** Opens a folder; made if need be. @throws `EMULATOR_DATA_DAMAGED` */
  static async open(folder: string): Promise<HubStorage> {
    await mkdir(folder, { recursive: true })
    return new HubStorage(folder, await JournaledTables.open(join(folder, 'state.jsonl')))
  }

  /** Fills a log with what was kept of it, and keeps what it takes. */
  async keep(log: EventLog): Promise<void> {
    this.#events = await EventFiles.open(join(this.#folder, 'events'), log)
  }

  /** Calls back when everything so far is written. */
  readonly whenKept = (done: (failure?: Error) => void): void => {
    this.tables.whenWritten(failure => {
      if (failure !== undefined || this.#events === undefined) done(failure)
      else this.#events.whenWritten(done)
    })
  }

  close(): Promise<void> {
    return settleInOrder([async () => this.#events?.close(), () => this.tables.close()])
  }
}
