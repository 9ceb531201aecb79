/** What became of the messages of a crash test. */
export interface CrashResult {
  readonly acknowledged: number
  /** Distinct messages that reached the cloud, also ones whose acknowledgement was lost in a crash. */
  readonly delivered: number
  readonly lost: number
  readonly duplicated: number
  readonly outOfOrder: number
  /** As many duplicates as the kills explain. */
  readonly allowedDuplicates: number
}

export function crash(options: {
  readonly rounds: number
  readonly seed: number
  readonly store: 'log' | 'lmdb'
}): Promise<CrashResult>
