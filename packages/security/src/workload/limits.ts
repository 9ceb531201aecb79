/** What one module may ask of the workload API. */
export interface WorkloadLimits {
  /** Bytes of a request's body. @default 1 MiB */
  readonly maxBodyBytes?: number | undefined
  /** Milliseconds that a body may take to arrive. @default 5,000 */
  readonly bodyTimeout?: number | undefined
  /** Requests at once; the connection of a further one is dropped without an answer. @default 10 */
  readonly maxConcurrent?: number | undefined
  /** Requests a second, in the long run; a certificate counts for ten. @default 50 */
  readonly requestsPerSecond?: number | undefined
  /** Requests at a stroke before that rate counts. @default 100 */
  readonly burst?: number | undefined
  /** Open connections, idle ones too. @default 64 */
  readonly maxConnections?: number | undefined
}

/** What a module may ask when nothing else is said; body time and concurrency are those of the original. */
export const WORKLOAD_LIMITS = Object.freeze({
  maxBodyBytes: 1_048_576,
  bodyTimeout: 5_000,
  maxConcurrent: 10,
  requestsPerSecond: 50,
  burst: 100,
  maxConnections: 64,
}) satisfies Required<WorkloadLimits>
