import type { Clock, Logger } from '@edgewright/core'
import type { TokenSource, Tuning } from './options.js'
import type { Traffic } from './traffic.js'

/** What every part of an upstream works with. */
export interface Surroundings {
  /** Host of the hub, for audiences and user names. */
  readonly hostname: string
  readonly token: TokenSource
  readonly clock: Clock
  readonly logger: Logger
  /** 0 to 1. */
  readonly random: () => number
  readonly tuning: Tuning
  readonly traffic: Traffic
}
