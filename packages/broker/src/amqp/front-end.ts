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
import { withDefaults } from '../limits.js'
import { type ListenAddress, Listener, peerOf, rawServer, type TlsCredentials } from '../listener/listener.js'
import { LoginThrottle } from '../login/login-throttle.js'
import { AmqpConnections } from './connections.js'
import { AMQP_FRONT_END_LIMITS, type AmqpLimits } from './limits.js'
import { amqpMetrics } from './metrics.js'

/** What an {@link AmqpFrontEnd} works with, and what its clients may cost. */
export interface AmqpFrontEndOptions extends AmqpLimits {
  readonly host: SessionHost
  /** IoT Hub clients expect port 5671. */
  readonly listen: ListenAddress
  /** `'none'`: no TLS, on loopback addresses only. */
  readonly tls: TlsCredentials | 'none'
  readonly clock?: Clock | undefined
  readonly logger?: Logger | undefined
  readonly meter?: Meter | undefined
}

/**
 * Lets IoT Hub clients in over AMQP 1.0: many identities on one connection, each link authorised by itself.
 *
 * `accepted` says that a message is durable. Source: wire reference, section 3.
 */
export class AmqpFrontEnd extends Service {
  readonly #listener: Listener
  readonly #connections: AmqpConnections

  constructor(options: AmqpFrontEndOptions) {
    super()
    const { host, clock = systemClock, logger = silentLogger, meter = memoryMeter() } = options
    this.#connections = new AmqpConnections({
      host,
      clock,
      logger,
      metrics: amqpMetrics(meter),
      limits: withDefaults(AMQP_FRONT_END_LIMITS, options),
      throttle: new LoginThrottle(clock),
    })
    const { listen, tls } = options
    this.#listener = new Listener(
      { listen, tls, logger, meter },
      rawServer(socket => this.#connections.accept(socket, { transport: 'amqp', ...peerOf(socket) })),
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
