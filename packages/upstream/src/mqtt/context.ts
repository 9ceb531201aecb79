import type { Duplex } from 'node:stream'
import type { Surroundings } from '../surroundings.js'

/** What the identities of one link share. */
export interface MqttContext extends Surroundings {
  /** Opens the stream of one more connection. */
  readonly openStream: (signal: AbortSignal) => Promise<Duplex>
  /** Aborted when the link is to go. */
  readonly closing: AbortSignal
}
