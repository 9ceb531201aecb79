import { type Credentials, createMessage, type Identity, identityKey, type Message } from '@edgewright/core'
import { ClientTopicReader, type MqttUsername, parseUsername, Refusal } from '@edgewright/protocol'
import type { IConnectPacket } from 'mqtt-packet'
import type { PeerFacts } from '../listener/listener.js'

/** CONNACK return codes of MQTT 3.1.1, section 3.2.2.3. */
export const ReturnCode = Object.freeze({
  accepted: 0,
  protocolVersion: 1,
  clientId: 2,
  unavailable: 3,
  unauthorized: 5,
})

/** A CONNECT that may be judged. */
export interface ConnectRequest {
  readonly identity: Identity
  readonly credentials: Credentials
  readonly persistent: boolean
  /** Milliseconds; 0 as sent by clients that want none. */
  readonly keepAlive: number
  readonly modelId: string | undefined
  readonly productInfo: string | undefined
  readonly will: Message | undefined
}

/** A CONNECT that is refused before its credentials are looked at. */
export interface ConnectRefusal {
  readonly returnCode: number
  readonly reason: string
}

/** Reads a CONNECT as IoT Hub's clients send it. Source: wire reference, section 2.2. */
export function readConnect(packet: IConnectPacket, peer: PeerFacts): ConnectRequest | ConnectRefusal {
  if (packet.clientId === '') return { returnCode: ReturnCode.clientId, reason: 'the client id is empty' }
  const username = parseUsername(packet.username ?? '')
  if (username instanceof Refusal) return unauthorized(username.reason)
  if (identityKey(username.identity) !== packet.clientId) {
    return unauthorized('the client id is not the identity of the user name')
  }
  if (username.authChain?.includes(';')) return unauthorized('a chain of gateways is not supported')
  const credentials = readCredentials(packet, username.identity, peer)
  if (credentials === undefined) return unauthorized('neither a password nor a client certificate')
  const will = readWill(packet, username.identity)
  if (will instanceof Refusal) return unauthorized(`the will: ${will.reason}`)
  return { ...request(packet, username), credentials, will }
}

function unauthorized(reason: string): ConnectRefusal {
  return { returnCode: ReturnCode.unauthorized, reason }
}

function request(packet: IConnectPacket, username: MqttUsername) {
  return {
    identity: username.identity,
    persistent: packet.clean === false,
    keepAlive: (packet.keepalive ?? 0) * 1_000,
    modelId: username.modelId,
    productInfo: username.productInfo,
  }
}

function readCredentials(packet: IConnectPacket, identity: Identity, peer: PeerFacts): Credentials | undefined {
  const password = packet.password?.toString('utf8') ?? ''
  if (password !== '') return { kind: 'sas', identity, token: password, peer: peer.address }
  const { certificate, issuers, address } = peer
  return certificate === undefined ? undefined : { kind: 'certificate', identity, certificate, issuers, peer: address }
}

function readWill(packet: IConnectPacket, identity: Identity): Message | Refusal | undefined {
  const { will } = packet
  if (will === undefined) return undefined
  if (will.qos === 2) return new Refusal('QoS 2 is not supported', 0)
  const name = Buffer.from(will.topic, 'utf8')
  const topic = new ClientTopicReader(identity).read(name, 0, name.length)
  if (topic instanceof Refusal) return topic
  if (topic.kind !== 'telemetry') return new Refusal('the topic is not one for telemetry', 0)
  const properties = new Map(topic.properties).set(WILL_PROPERTY, 'Will')
  return createMessage({ body: will.payload, properties, system: topic.system })
}

const WILL_PROPERTY = 'iothub-MessageType'
