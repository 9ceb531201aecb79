import { randomUUID } from 'node:crypto'
import { type Identity, identityKey } from '@edgewright/core'
import mqttPacket, { type IConnectPacket } from 'mqtt-packet'
import { ReturnCode } from '../mqtt/connect-request.js'
import type { AccessPolicy, TopicAccess } from './access-policy.js'
import type { TopicLogin } from './accounts.js'
import { isTopicName } from './topic-filter.js'

/** Why a plain client is not let in. */
export interface ConnectRefusal {
  readonly returnCode: number
  readonly reason: string
  /** Whether it is to be counted among the bad logins of its address. */
  readonly badLogin: boolean
}

/** What the CONNECT of a plain client shows. */
export function readLogin(
  connect: IConnectPacket,
  facts: { readonly address: string; readonly certificate: Uint8Array | undefined },
): TopicLogin {
  const { clientId, username, password } = connect
  return { ...facts, clientId, username, password: password?.toString('utf8') }
}

/** A refusal for what no login can mend; undefined when there is none. */
export function refuseConnect(connect: IConnectPacket, maxClientIdBytes: number): ConnectRefusal | undefined {
  const { clientId, clean } = connect
  const isNameless = clientId === '' && clean === false
  if (!isNameless && Buffer.byteLength(clientId) <= maxClientIdBytes) return undefined
  const reason = isNameless ? 'a session without a client id' : 'a client id longer than allowed'
  return { returnCode: ReturnCode.clientId, reason, badLogin: false }
}

/** What an account may do under a client id, or why it is not let in. */
export function judge(connect: IConnectPacket, name: string, policy: AccessPolicy): TopicAccess | ConnectRefusal {
  const access = policy.for({ kind: 'account', name, clientId: connect.clientId })
  if (!access.mayConnect) return unauthorized(`the policy does not let ${name} connect`)
  const { will } = connect
  if (will !== undefined && !(isTopicName(will.topic) && access.mayPublish(will.topic))) {
    return unauthorized(`the policy does not let ${name} publish its will on ${will.topic}`)
  }
  return access
}

/** Nobody's login. */
export function unauthorized(reason: string): ConnectRefusal {
  return { returnCode: ReturnCode.unauthorized, reason, badLogin: true }
}

/** The session of a client id is its account's alone; without an id it is this connection's. No part contains a blank. */
export function accountSessionId(name: string, clientId: string): string {
  return `account/${encodeURIComponent(name)}/${clientId === '' ? `-${randomUUID()}` : encodeURIComponent(clientId)}`
}

/** The session of an IoT Hub client. */
export function identitySessionId(identity: Identity): string {
  return `identity/${encodeURIComponent(identityKey(identity))}`
}

/**
 * The CONNECT that aedes gets in place of the client's: who the client is has been found out, its silence is watched by
 * us, and its secret is nobody's business any more.
 */
export function connectFor(sessionId: string, { clean, will }: Pick<IConnectPacket, 'clean' | 'will'>): Buffer {
  return mqttPacket.generate({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: clean !== false,
    clientId: sessionId,
    keepalive: 0,
    ...(will === undefined ? {} : { will }),
  })
}
