/** One line of a bench: our figure beside a peer's or a limit's, measured in the same run. */
export interface BenchRow {
  readonly case: string
  readonly ours: number
  readonly unit: string
  readonly peer: string
  readonly peerValue: number
  /** Ours ÷ the peer's where more is better, its inverse where less is better. */
  readonly ratio: number
}
