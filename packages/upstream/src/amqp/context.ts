import type { Clock, Logger } from '@edgewright/core'
import type { Gate } from '../gate.js'
import type { TokenSource, Tuning } from '../options.js'
import type { AmqpConnection } from './connection.js'
import type { TokenNode } from './token-node.js'

/** What the identities on one connection share. */
export interface AmqpContext {
  readonly connection: AmqpConnection
  readonly tokens: TokenNode
  /** Host of the hub, for audiences. */
  readonly hostname: string
  readonly token: TokenSource
  readonly clock: Clock
  readonly logger: Logger
  readonly random: () => number
  readonly tuning: Tuning
  /** Keeps openings from being a stampede. */
  readonly openings: Gate
}
