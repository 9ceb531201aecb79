import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { EdgewrightError, type JsonObject } from '@edgewright/core'
import type { HubEvent } from '../state/event.js'
import type { EventLog } from '../state/event-log.js'
import { eventFromJson, eventToJson } from './event-json.js'
import { Journal } from './journal.js'
import { readLines } from './read-lines.js'

/** Characters after which the next file is begun. */
const SEGMENT_LENGTH = 8_388_608

/** A file that is no longer written to. */
interface Segment {
  readonly path: string
  /** How many events the log had taken when this file ended. */
  readonly end: number
}

/**
 * The event log on disk: files of consecutive events over all partitions, removed when the log keeps none of theirs.
 * The first line of a file says where each partition stood, for partitions that have no event left.
 */
export class EventFiles {
  readonly #folder: string
  readonly #log: EventLog
  readonly #segments: Segment[] = []
  #path = ''
  #journal = new Journal('')
  #length = 0
  #next = 1

  private constructor(folder: string, log: EventLog) {
    this.#folder = folder
    this.#log = log
  }

  /**
   * Reads what a folder holds into a log, and from then on writes what the log takes.
   *
   * @throws `EMULATOR_DATA_DAMAGED`, `EMULATOR_PARTITIONS_CHANGED`
   */
  static async open(folder: string, log: EventLog): Promise<EventFiles> {
    await mkdir(folder, { recursive: true })
    const files = new EventFiles(folder, log)
    for (const name of (await readdir(folder)).filter(name => NAME.test(name)).sort()) await files.#load(name)
    files.#begin(Promise.resolve())
    log.watch(event => files.#append(event))
    return files
  }

  /** Calls back when every event so far is written. */
  whenWritten(done: (failure?: Error) => void): void {
    this.#journal.whenWritten(done)
  }

  close(): Promise<void> {
    return this.#journal.close()
  }

  async #load(name: string): Promise<void> {
    const path = join(this.#folder, name)
    const [header, ...events] = (await readLines(path)) as unknown as [{ next: number[] } | undefined, ...JsonObject[]]
    if (header !== undefined) this.#resume(header.next)
    this.#next = Number(NAME.exec(name)?.[1]) + 1
    for (const event of events) this.#log.restore(eventFromJson(event))
    if (events.length > 0) this.#segments.push({ path, end: this.#log.taken })
    else await rm(path)
  }

  #resume(next: readonly number[]): void {
    if (next.length !== this.#log.partitionCount) {
      throw new EdgewrightError('EMULATOR_PARTITIONS_CHANGED', `${this.#folder} holds ${next.length} partitions`, {
        place: this.#folder,
        remedy: `Set the option "events.partitions" to ${next.length}, or remove the folder to begin anew.`,
      })
    }
    for (const [partition, sequenceNumber] of next.entries()) this.#log.resume(partition, sequenceNumber)
  }

  #append(event: HubEvent): void {
    const line = JSON.stringify(eventToJson(event))
    this.#length += line.length
    this.#journal.append(line)
    if (this.#length < SEGMENT_LENGTH) return
    this.#segments.push({ path: this.#path, end: this.#log.taken })
    this.#begin(this.#journal.close())
    this.#removeForgotten()
  }

  #begin(after: Promise<void>): void {
    this.#path = join(this.#folder, `events-${String(this.#next).padStart(8, '0')}.jsonl`)
    this.#next += 1
    this.#length = 0
    this.#journal = new Journal(this.#path, after)
    this.#journal.append(JSON.stringify({ next: this.#log.nextSequenceNumbers() }))
  }

  #removeForgotten(): void {
    for (let oldest = this.#segments[0]; oldest !== undefined; oldest = this.#segments[0]) {
      if (oldest.end > this.#log.taken - this.#log.size) return
      this.#segments.shift()
      // What cannot be removed now is found and forgotten again at the next start.
      rm(oldest.path, { force: true }).catch(() => undefined)
    }
  }
}

const NAME = /^events-(\d{8})\.jsonl$/
