import {
  type Clock,
  type Logger,
  type Meter,
  memoryMeter,
  Service,
  type SessionHost,
  settleInOrder,
  silentLogger,
  systemClock,
} from '@edgewright/core'
import type { FreeTopics } from '../free-topics/free-topics.js'
import { type ListenAddress, Listener, peerOf, rawServer, type TlsCredentials } from '../listener/listener.js'
import { withDefaults } from '../limits.js'
import { LoginThrottle } from '../login/login-throttle.js'
import { MqttConnections } from './connections.js'
import { MQTT_LIMITS, type MqttLimits } from './limits.js'
import { mqttMetrics } from './metrics.js'
import { PacketWriter } from './packet-writer.js'

/** What an {@link MqttFrontEnd} works with, and what its clients may cost. */
export interface MqttFrontEndOptions extends MqttLimits {
  readonly host: SessionHost
  /** IoT Hub clients expect port 8883. */
  readonly listen: ListenAddress
  /** `'none'`: no TLS, on loopback addresses only. */
  readonly tls: TlsCredentials | 'none'
  /** Lets plain clients in as well; started before the front-end, and stopped after it. @default they are refused */
  readonly topics?: FreeTopics | undefined
  readonly clock?: Clock | undefined
  readonly logger?: Logger | undefined
  readonly meter?: Meter | undefined
}

/**
 * Lets IoT Hub clients in over MQTT 3.1.1.
 *
 * A PUBACK says that a message is durable, and PUBACKs leave in the order in which the messages came; whoever sends is
 * who logged in, whatever the topic says. Source: wire reference, section 2.
 */
export class MqttFrontEnd extends Service {
  readonly #listener: Listener
  readonly #connections: MqttConnections

  constructor(options: MqttFrontEndOptions) {
    super()
    const { host, topics, clock = systemClock, logger = silentLogger, meter = memoryMeter() } = options
    this.#connections = new MqttConnections({
      host,
      topics,
      clock,
      logger,
      metrics: mqttMetrics(meter),
      limits: withDefaults(MQTT_LIMITS, options),
      throttle: new LoginThrottle(clock),
      writer: new PacketWriter(),
    })
    const { listen, tls } = options
    this.#listener = new Listener(
      { listen, tls, logger, meter },
      rawServer(socket => this.#connections.accept(socket, { transport: 'mqtt', ...peerOf(socket) })),
    )
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
    return settleInOrder([() => this.#connections.stop(), () => this.#listener.stop()])
  }
}
