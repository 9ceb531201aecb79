import type { Surroundings } from '../surroundings.js'
import type { AmqpConnection } from './connection.js'
import type { TokenNode } from './token-node.js'

/** What the identities on one connection share. */
export interface AmqpContext extends Surroundings {
  readonly connection: AmqpConnection
  readonly tokens: TokenNode
}
