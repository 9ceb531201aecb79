import type { Duplex } from 'node:stream'
import type { Identity } from '@edgewright/core'
import { AMQP_LIMITS, AMQP_WEBSOCKET } from '@edgewright/protocol'
import { AmqpLink } from './amqp/amqp-link.js'
import type { CloudLink } from './cloud-link.js'
import { MqttLink } from './mqtt/mqtt-link.js'
import { MAX_PACKET_BYTES } from './mqtt/packet-splitter.js'
import { openTcpThroughProxy } from './network/proxy.js'
import { type Network, openTcpDirectly, openTlsStream, type StreamTarget, trusting } from './network/tls-stream.js'
import { openWebSocketStream } from './network/websocket-stream.js'
import type { Surroundings } from './surroundings.js'
import type { TransportName } from './transport-choice.js'

/** Ports of the hub's endpoints. */
export interface HubPorts {
  /** @default 5671 */
  readonly amqp?: number | undefined
  /** @default 8883 */
  readonly mqtt?: number | undefined
  /** Of both WebSocket transports. @default 443 */
  readonly webSocket?: number | undefined
}

/** Where to dial, and how. */
export interface HubAddress {
  readonly host: string
  readonly ports?: HubPorts | undefined
  readonly ca?: string | undefined
  readonly proxy?: string | undefined
  /** The gateway's own identity, which shows that the hub takes its word; MQTT cannot do without. */
  readonly self?: Identity | undefined
}

/** Opens a link. @throws whatever keeps it from opening, or the signal's reason */
export type LinkOpener = (transport: TransportName, signal: AbortSignal) => Promise<CloudLink>

/** The ports that IoT Hub listens on. */
export const HUB_PORTS = Object.freeze({ amqp: 5671, mqtt: 8883, webSocket: 443 }) satisfies Required<HubPorts>

const AMQP_REQUEST = Object.freeze({ ...AMQP_WEBSOCKET, maxPayload: 4 * AMQP_LIMITS.maxFrameSize })
const MQTT_REQUEST = Object.freeze({ path: AMQP_WEBSOCKET.path, protocol: 'mqtt', maxPayload: MAX_PACKET_BYTES })

/**
 * Makes what opens links.
 *
 * @throws `PROXY_INVALID`
 */
export function linkOpener({ host, ports, ca, proxy, self }: HubAddress, surroundings: Surroundings): LinkOpener {
  const { clock, tuning } = surroundings
  const network: Network = {
    clock,
    timeouts: { connect: tuning.connectTimeout, handshake: tuning.handshakeTimeout },
    openTcp: proxy === undefined ? openTcpDirectly : openTcpThroughProxy(proxy),
  }
  const trust = trusting(ca)
  const target = (port: keyof HubPorts): StreamTarget => ({ host, port: ports?.[port] ?? HUB_PORTS[port], trust })
  const streams: Readonly<Record<TransportName, (signal: AbortSignal) => Promise<Duplex>>> = {
    amqp: signal => openTlsStream(network, target('amqp'), signal),
    'amqp-ws': signal => openWebSocketStream(network, target('webSocket'), AMQP_REQUEST, signal),
    mqtt: signal => openTlsStream(network, target('mqtt'), signal),
    'mqtt-ws': signal => openWebSocketStream(network, target('webSocket'), MQTT_REQUEST, signal),
  }
  return (transport, signal) =>
    isMqtt(transport)
      ? MqttLink.open(surroundings, streams[transport], self!, signal)
      : AmqpLink.open(surroundings, streams[transport], self, signal)
}

/** Whether each identity needs a connection of its own. */
export function isMqtt(transport: TransportName): boolean {
  return transport === 'mqtt' || transport === 'mqtt-ws'
}
