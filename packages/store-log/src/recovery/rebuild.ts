import type { Catalog } from '../catalog/catalog.js'
import { FILE_HEADER_BYTES } from '../format/file-header.js'
import { type ItemVisitor, type Reference, visitItems } from '../format/items.js'
import { RECORD_HEADER_BYTES, scanRecords } from '../format/record.js'

/**
 * Learns from segments alone which entries there may be, when no snapshot tells: all that ever were and whose payload
 * is still there. Replaying the segments afterwards removes those that are known to be done with.
 */
export class Rebuild {
  readonly #positions = new Map<number, number[]>()
  readonly #names = new Map<number, string>()

  /** Takes the records of one segment. */
  add(bytes: Buffer, salt: number): void {
    const note = (references: readonly Reference[]): void => {
      for (const { queue, position } of references) this.#note(queue, position)
    }
    const ignore = (): void => undefined
    const visitor: ItemVisitor = {
      queue: (id, name) => this.#names.set(id, name),
      append: note,
      carry: note,
      table: ignore,
      remove: ignore,
      put: ignore,
      delete: ignore,
      carryRow: ignore,
    }
    scanRecords(bytes, salt, FILE_HEADER_BYTES, {
      record: (at, end) => visitItems(bytes, at + RECORD_HEADER_BYTES, end, visitor),
      gap: ignore,
    })
  }

  /** Puts what was learned into an empty catalog. */
  finish(catalog: Catalog): void {
    for (const [id, positions] of this.#positions) {
      const queue = catalog.addQueue(id, this.#names.get(id) ?? `damaged/${id}`)
      queue.declared = 'durable'
      for (const position of Float64Array.from(positions).sort()) {
        if (position >= queue.next) queue.expect({ from: position, through: position })
      }
    }
  }

  #note(queue: number, position: number): void {
    const positions = this.#positions.get(queue)
    if (positions === undefined) this.#positions.set(queue, [position])
    else positions.push(position)
  }
}
