import type { Duplex } from 'node:stream'
import { AMQP_LIMITS, AMQP_WEBSOCKET } from '@edgewright/protocol'
import { AmqpLink } from './amqp/amqp-link.js'
import type { CloudLink } from './cloud-link.js'
import { openTcpThroughProxy } from './network/proxy.js'
import { type Network, openTcpDirectly, openTlsStream, type StreamTarget, trusting } from './network/tls-stream.js'
import { openWebSocketStream } from './network/websocket-stream.js'
import type { Surroundings } from './surroundings.js'
import type { TransportName } from './transport-choice.js'

/** Ports of the hub's endpoints. */
export interface HubPorts {
  /** @default 5671 */
  readonly amqp?: number | undefined
  /** @default 443 */
  readonly webSocket?: number | undefined
}

/** Where to dial, and how. */
export interface HubAddress {
  readonly host: string
  readonly ports?: HubPorts | undefined
  readonly ca?: string | undefined
  readonly proxy?: string | undefined
}

/** The ports that IoT Hub listens on. */
export const HUB_PORTS = Object.freeze({ amqp: 5671, webSocket: 443 }) satisfies Required<HubPorts>

/**
 * Makes what opens links over each transport.
 *
 * @throws `PROXY_INVALID`
 */
export function linkOpener(
  { host, ports, ca, proxy }: HubAddress,
  surroundings: Surroundings,
): (transport: TransportName, signal: AbortSignal) => Promise<CloudLink> {
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
    'amqp-ws': signal =>
      openWebSocketStream(
        network,
        target('webSocket'),
        { ...AMQP_WEBSOCKET, maxPayload: 4 * AMQP_LIMITS.maxFrameSize },
        signal,
      ),
  }
  return (transport, signal) => AmqpLink.open(surroundings, streams[transport], signal)
}
