/** What the state core keeps its records in: a `Map`, or one that is also written down. */
export interface Table<Value> {
  get(key: string): Value | undefined
  set(key: string, value: Value): unknown
  delete(key: string): boolean
  values(): IterableIterator<Value>
  entries(): IterableIterator<[string, Value]>
  readonly size: number
}

/** Where tables come from, by name; the same name gives the same records after a restart, when they are kept. */
export interface TableSource {
  table<Value>(name: string): Table<Value>
}

/** Tables that live as long as the process. */
export function memoryTables(): TableSource {
  return { table: <Value>() => new Map<string, Value>() }
}
