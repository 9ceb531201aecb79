import { type Identity, identityKey, sameIdentity } from '@edgewright/core'

/** Whose token is shown for an identity. */
export interface Speaker {
  readonly identity: Identity
  /** Ids from the one it speaks for to the device of the one that speaks; absent: everybody speaks for themselves. */
  readonly chain?: string | undefined
}

/** Says who speaks for an identity. */
export type SpeakerOf = (identity: Identity) => Speaker

/**
 * The gateway speaks for those that have no key to sign with, such as devices that prove themselves by certificate: with
 * its own token, and a chain that says for whom. Source: wire reference, section 1.4.
 *
 * @param self - the gateway's own identity; absent: everybody speaks for themselves
 */
export function speakerOf(self: Identity | undefined, onBehalf?: (identity: Identity) => boolean): SpeakerOf {
  return identity => {
    if (self === undefined || sameIdentity(identity, self) || onBehalf?.(identity) !== true) return { identity }
    return { identity: self, chain: `${identityKey(identity)};${self.deviceId}` }
  }
}
