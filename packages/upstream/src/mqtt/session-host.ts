import type { Identity } from '@edgewright/core'
import type { IdentityTraffic } from '../traffic.js'
import type { MqttConnection } from './connection.js'
import type { MqttContext } from './context.js'

/** What the parts of one identity's session stand on. */
export interface SessionHost {
  readonly identity: Identity
  readonly context: MqttContext
  readonly connection: MqttConnection
  readonly traffic: IdentityTraffic
}
