import { type Identity, identityKey, sameIdentity } from '@edgewright/core'
import { parseUsername, Refusal } from '@edgewright/protocol'
import type { IConnectPacket } from 'mqtt-packet'
import type { Authority, Principal } from '../../state/authority.js'

/** Return codes of CONNACK. [MQTT-3.2.2.3] */
export const CONNACK = Object.freeze({
  accepted: 0,
  wrongProtocol: 1,
  badClientId: 2,
  unavailable: 3,
  notAuthorised: 5,
})

/** A client that may come in. */
export interface Welcome {
  readonly kind: 'welcome'
  readonly identity: Identity
  readonly principal: Principal
  readonly modelId: string | undefined
}

/** What a CONNECT comes to. */
export type Login =
  | Welcome
  | {
      readonly kind: 'refused'
      readonly returnCode: number
      readonly reason: string
      readonly claimed?: string | undefined
    }

/**
 * Judges a CONNECT. Every failure of credentials is "not authorised": all SDKs take that for final.
 *
 * @param certificate - what the client showed in the TLS handshake; counts when there is no password
 */
export function login(packet: IConnectPacket, authority: Authority, certificate: Uint8Array | undefined): Login {
  if (packet.protocolId !== 'MQTT' || packet.protocolVersion !== 4) {
    return { kind: 'refused', returnCode: CONNACK.wrongProtocol, reason: 'not MQTT 3.1.1' }
  }
  const username = parseUsername(packet.username ?? '')
  if (username instanceof Refusal) return unauthorised(username.reason)
  const { identity, authChain, modelId } = username
  const claimed = identityKey(identity)
  if (packet.clientId !== claimed) return unauthorised('the client id is not the identity of the user name', claimed)
  const chain = authChain?.split(';')
  const principal = prove(packet, identity, chain, authority, certificate)
  if (principal.kind === 'refused') return unauthorised(principal.reason, claimed)
  if (!authority.allows(principal, identity, chain)) return unauthorised('not allowed to act for it', claimed)
  return { kind: 'welcome', identity, principal, modelId }
}

function prove(
  { password }: IConnectPacket,
  identity: Identity,
  chain: readonly string[] | undefined,
  authority: Authority,
  certificate: Uint8Array | undefined,
) {
  if (password === undefined || password.byteLength === 0) return authority.certificate(certificate, identity)
  const actor = chain?.at(-1)
  const speaksForItself = actor === undefined || sameIdentity(identity, { deviceId: actor })
  const signer = speaksForItself ? identity : { deviceId: actor, moduleId: '$edgeHub' }
  return authority.token(password.toString('utf8'), signer)
}

function unauthorised(reason: string, claimed?: string): Login {
  return { kind: 'refused', returnCode: CONNACK.notAuthorised, reason, claimed }
}
