import type { Clock, Identity, Logger } from '@edgewright/core'
import type { TokenSource, Tuning } from './options.js'
import type { SpeakerOf } from './speaker.js'
import type { Traffic } from './traffic.js'

/** What every part of an upstream works with. */
export interface Surroundings {
  /** Host of the hub, for audiences and user names. */
  readonly hostname: string
  readonly token: TokenSource
  /** Whose token is shown for an identity. */
  readonly speakerOf: SpeakerOf
  /** Told when the cloud refuses an identity's credentials. */
  readonly onUnauthorized?: ((identity: Identity) => void) | undefined
  readonly clock: Clock
  readonly logger: Logger
  /** 0 to 1. */
  readonly random: () => number
  readonly tuning: Tuning
  readonly traffic: Traffic
}
