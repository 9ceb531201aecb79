import {
  AmqpFrontEnd,
  type AmqpLimits,
  HttpsFrontEnd,
  type ListenAddress,
  MqttFrontEnd,
  type MqttLimits,
  type TlsCredentials,
} from '@edgewright/broker'
import type { IssuedCertificate, Startable } from '@edgewright/core'
import type { FrontEnd, FrontEndContext, FrontEndPart } from '../context.js'

/** Where a front-end listens. */
export interface ListenOptions {
  /** @default '0.0.0.0' */
  readonly address?: string | undefined
  /** 0 takes a free one. @default the protocol's own: 8883 for MQTT, 5671 for AMQP, 443 for HTTPS */
  readonly port?: number | undefined
}

/** MQTT 3.1.1 over TLS. */
export function mqtt({ address = '0.0.0.0', port = 8883, ...limits }: ListenOptions & MqttLimits = {}): FrontEndPart {
  return context => {
    const { hub: host, topics, clock, logger, meter } = context
    const tls = credentialsOf(context.certificate.current)
    return renewed(
      'mqtt',
      new MqttFrontEnd({ ...limits, host, topics, listen: { address, port }, tls, clock, logger, meter }),
      context,
    )
  }
}

/** AMQP 1.0 over TLS. */
export function amqp({ address = '0.0.0.0', port = 5671, ...limits }: ListenOptions & AmqpLimits = {}): FrontEndPart {
  return context => {
    const { hub: host, clock, logger, meter } = context
    const tls = credentialsOf(context.certificate.current)
    return renewed(
      'amqp',
      new AmqpFrontEnd({ ...limits, host, listen: { address, port }, tls, clock, logger, meter }),
      context,
    )
  }
}

/** What clients of the HTTPS listener may cost. */
export interface HttpsLimits {
  readonly mqtt?: MqttLimits | undefined
  readonly amqp?: AmqpLimits | undefined
}

/** One listener for MQTT and AMQP by WebSocket, and for modules that call methods. */
export function https({ address = '0.0.0.0', port = 443, ...limits }: ListenOptions & HttpsLimits = {}): FrontEndPart {
  return context => {
    const { hub, topics, clock, logger, meter } = context
    const tls = credentialsOf(context.certificate.current)
    const parts = { host: hub, invoker: hub, topics, clock, logger, meter }
    return renewed('https', new HttpsFrontEnd({ ...limits, ...parts, listen: { address, port }, tls }), context)
  }
}

/** What the front-ends have in common. */
interface Listening extends Startable {
  address(): ListenAddress
  replaceCredentials(credentials: TlsCredentials): void
}

function credentialsOf({ chain, privateKey }: IssuedCertificate): TlsCredentials {
  return { certificate: chain, key: privateKey }
}

/** A listener that shows the certificate in force, with open connections left alone when that changes. */
function renewed(protocol: string, listener: Listening, { certificate }: FrontEndContext): FrontEnd {
  const onRenewed = (issued: IssuedCertificate) => listener.replaceCredentials(credentialsOf(issued))
  const stop = async () => {
    certificate.off('renewed', onRenewed)
    await listener.stop()
  }
  return {
    protocol,
    address() {
      const { address: host, port } = listener.address()
      return { host, port }
    },
    async start() {
      await listener.start()
      certificate.on('renewed', onRenewed)
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
