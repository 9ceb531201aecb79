import {
  AmqpFrontEnd,
  type AmqpLimits,
  HttpsFrontEnd,
  type ListenAddress,
  MqttFrontEnd,
  type MqttLimits,
  type TlsCredentials,
} from '@edgewright/broker'
import type { FrontEnd, FrontEndContext, FrontEndPart } from '../context.js'

/** Where a front-end listens. */
export interface ListenOptions {
  /** @default '0.0.0.0' */
  readonly address?: string | undefined
  /** 0 takes a free one. @default the protocol's own: 8883 for MQTT, 5671 for AMQP, 443 for HTTPS */
  readonly port?: number | undefined
}

/** Ninety days, in milliseconds: how long a server certificate lasts. */
const CERTIFICATE_VALIDITY = 7_776_000_000

/** MQTT 3.1.1 over TLS. */
export function mqtt({ address = '0.0.0.0', port = 8883, ...limits }: ListenOptions & MqttLimits = {}): FrontEndPart {
  return async context => {
    const { hub: host, clock, logger, meter } = context
    const tls = await serverCredentials(context)
    return named('mqtt', new MqttFrontEnd({ ...limits, host, listen: { address, port }, tls, clock, logger, meter }))
  }
}

/** AMQP 1.0 over TLS. */
export function amqp({ address = '0.0.0.0', port = 5671, ...limits }: ListenOptions & AmqpLimits = {}): FrontEndPart {
  return async context => {
    const { hub: host, clock, logger, meter } = context
    const tls = await serverCredentials(context)
    return named('amqp', new AmqpFrontEnd({ ...limits, host, listen: { address, port }, tls, clock, logger, meter }))
  }
}

/** What clients of the HTTPS listener may cost. */
export interface HttpsLimits {
  readonly mqtt?: MqttLimits | undefined
  readonly amqp?: AmqpLimits | undefined
}

/** One listener for MQTT and AMQP by WebSocket, and for modules that call methods. */
export function https({ address = '0.0.0.0', port = 443, ...limits }: ListenOptions & HttpsLimits = {}): FrontEndPart {
  return async context => {
    const { hub, clock, logger, meter } = context
    const tls = await serverCredentials(context)
    const parts = { host: hub, invoker: hub, clock, logger, meter }
    return named('https', new HttpsFrontEnd({ ...limits, ...parts, listen: { address, port }, tls }))
  }
}

async function serverCredentials({ hostname, issuer, names }: FrontEndContext): Promise<TlsCredentials> {
  const request = { commonName: hostname, ...names, usage: 'server', validity: CERTIFICATE_VALIDITY } as const
  const { chain, privateKey } = await issuer.issue(request)
  return { certificate: chain, key: privateKey }
}

function named(
  protocol: string,
  listener: { address(): ListenAddress } & Omit<FrontEnd, 'address' | 'protocol'>,
): FrontEnd {
  return {
    protocol,
    address() {
      const { address: host, port } = listener.address()
      return { host, port }
    },
    start: () => listener.start(),
    stop: () => listener.stop(),
    [Symbol.asyncDispose]: () => listener.stop(),
  }
}
