import { createServer as createHttpServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { Duplex } from 'node:stream'
import {
  type Clock,
  type Logger,
  type Meter,
  type MethodInvoker,
  memoryMeter,
  Service,
  type SessionHost,
  settleInOrder,
  silentLogger,
  systemClock,
} from '@edgewright/core'
import { AmqpConnections } from '../amqp/connections.js'
import { AMQP_FRONT_END_LIMITS, type AmqpLimits } from '../amqp/limits.js'
import { amqpMetrics } from '../amqp/metrics.js'
import { withDefaults } from '../limits.js'
import type { FreeTopics } from '../free-topics/free-topics.js'
import { type ListenAddress, Listener, peerOf, type ServerFactory, type TlsCredentials } from '../listener/listener.js'
import { LoginThrottle } from '../login/login-throttle.js'
import { MqttConnections } from '../mqtt/connections.js'
import { MQTT_LIMITS, type MqttLimits } from '../mqtt/limits.js'
import { mqttMetrics } from '../mqtt/metrics.js'
import { PacketWriter } from '../mqtt/packet-writer.js'
import { MethodEndpoint } from './method-endpoint.js'
import { type StreamAcceptor, WebSocketUpgrade } from './web-socket-upgrade.js'

/** What an {@link HttpsFrontEnd} works with, and what its clients may cost. */
export interface HttpsFrontEndOptions {
  readonly host: SessionHost
  /** Calls methods for modules; absent: they cannot call any here. */
  readonly invoker?: MethodInvoker | undefined
  /** IoT Hub clients expect port 443. */
  readonly listen: ListenAddress
  /** `'none'`: no TLS, on loopback addresses only. */
  readonly tls: TlsCredentials | 'none'
  /** Lets plain MQTT clients in as well; started before the front-end, and stopped after it. @default they are refused */
  readonly topics?: FreeTopics | undefined
  readonly clock?: Clock | undefined
  readonly logger?: Logger | undefined
  readonly meter?: Meter | undefined
  /** What clients that speak MQTT by WebSocket may cost. */
  readonly mqtt?: MqttLimits | undefined
  /** What clients that speak AMQP by WebSocket may cost. */
  readonly amqp?: AmqpLimits | undefined
}

/** One listener for MQTT and AMQP by WebSocket and for modules that call methods. Source: wire reference, section 5. */
export class HttpsFrontEnd extends Service {
  readonly #listener: Listener
  readonly #mqtt: MqttConnections
  readonly #amqp: AmqpConnections
  readonly #upgrade: WebSocketUpgrade
  readonly #methods: MethodEndpoint | undefined

  constructor(options: HttpsFrontEndOptions) {
    super()
    const { host, invoker, topics, clock = systemClock, logger = silentLogger, meter = memoryMeter() } = options
    const throttle = new LoginThrottle(clock)
    this.#mqtt = new MqttConnections({
      host,
      topics,
      clock,
      logger,
      throttle,
      metrics: mqttMetrics(meter),
      limits: withDefaults(MQTT_LIMITS, options.mqtt ?? {}),
      writer: new PacketWriter(),
    })
    this.#amqp = new AmqpConnections({
      host,
      clock,
      logger,
      throttle,
      metrics: amqpMetrics(meter),
      limits: withDefaults(AMQP_FRONT_END_LIMITS, options.amqp ?? {}),
    })
    this.#methods = invoker && new MethodEndpoint({ host, invoker, throttle, logger })
    this.#upgrade = new WebSocketUpgrade(
      new Map<string, StreamAcceptor>([
        ['mqtt', (stream, { socket }) => this.#mqtt.accept(stream, { transport: 'mqtt-ws', ...peerOf(socket) })],
        ['amqpwsb10', (stream, { socket }) => this.#amqp.accept(stream, { transport: 'amqp-ws', ...peerOf(socket) })],
      ]),
    )
    const { listen, tls } = options
    const factory = httpServer(
      (request, response) => {
        if (this.#methods?.handle(request, response)) return
        response.writeHead(404, { 'content-length': 0, 'x-content-type-options': 'nosniff' }).end()
      },
      (request, socket, head) => this.#upgrade.handle(request, socket, head),
    )
    this.#listener = new Listener({ listen, tls, logger, meter }, factory)
  }

  /** Where it listens; the port as bound. Throws `NOT_RUNNING` unless started. */
  address(): ListenAddress {
    return this.#listener.address()
  }

  /** Shows another certificate from the next handshake on, without touching open connections. */
  replaceCredentials(credentials: TlsCredentials): void {
    this.#listener.replaceCredentials(credentials)
  }

  protected override onStart(): Promise<void> {
    return this.#listener.start()
  }

  protected override onStop(): Promise<void> {
    return settleInOrder([() => Promise.all([this.#mqtt.stop(), this.#amqp.stop()]), () => this.#listener.stop()])
  }
}

/** Milliseconds for a request's headers, and for the whole of it. */
const HTTP_TIMES = { headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 1_000 } as const

function httpServer(
  onRequest: RequestListener,
  onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void,
): ServerFactory {
  return tls => {
    const server: Server =
      tls === undefined
        ? createHttpServer({ ...HTTP_TIMES, noDelay: true }, onRequest)
        : createHttpsServer({ ...tls, ...HTTP_TIMES, noDelay: true }, onRequest)
    server.on('upgrade', onUpgrade)
    server.on('clientError', (_error, socket) => socket.destroy())
    return server
  }
}
