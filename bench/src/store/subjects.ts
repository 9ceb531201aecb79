import type { Store } from '@edgewright/core'
import { LmdbStore } from '@edgewright/store-lmdb'
import { LogStore } from '@edgewright/store-log'
import { MemoryStore } from '@edgewright/store-memory'

/** One adapter under measurement. */
export interface StoreSubject {
  readonly name: string
  /** A store on the data in a folder, not started. */
  open(path: string): Store
  readonly isDurable: boolean
}

/** Every adapter there is. */
export const SUBJECTS: readonly StoreSubject[] = [
  { name: 'log', open: path => new LogStore({ path }), isDurable: true },
  { name: 'lmdb', open: path => new LmdbStore({ path }), isDurable: true },
  { name: 'memory', open: () => new MemoryStore(), isDurable: false },
]
