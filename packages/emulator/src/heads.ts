import { createServer as createHttpsServer } from 'node:https'
import type { Server } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import type { Clock, Logger } from '@edgewright/core'
import { SAS_CLOCK_SKEW } from '@edgewright/protocol'
import { cbsService } from './amqp/cbs.js'
import { AmqpConnection, type AmqpConnectionOptions } from './amqp/connection.js'
import { commandsService } from './device-side/amqp/commands.js'
import { methodsService } from './device-side/amqp/methods.js'
import { telemetryService } from './device-side/amqp/telemetry.js'
import { twinService } from './device-side/amqp/twin.js'
import { deviceScopeRoutes } from './device-side/device-scope.js'
import { MqttConnection, type MqttConnectionOptions } from './device-side/mqtt/connection.js'
import type { Provisioning } from './dps/provisioning.js'
import type { Faults } from './faults/faults.js'
import { faultRoutes } from './faults/routes.js'
import { serveHttp } from './http/server.js'
import { Line, type LineTransport } from './network/line.js'
import { serveWebSockets } from './network/websockets.js'
import type { EmulatorTls } from './options.js'
import { commandSenderService } from './service-side/amqp/commands.js'
import { feedbackService, fileNotificationService } from './service-side/amqp/feedback.js'
import type { Deployments } from './service-side/deployments.js'
import { managementService } from './service-side/event-hubs/management.js'
import { readingService } from './service-side/event-hubs/reading.js'
import { serviceRoutes } from './service-side/rest/routes.js'
import type { HubState } from './state/hub-state.js'

/** What the protocol heads stand on. */
export interface HeadsOptions {
  readonly state: HubState
  readonly deployments: Deployments
  readonly faults: Faults
  readonly provisioning: Provisioning
  readonly hubName: string
  readonly eventHubName: string
  readonly clock: Clock
  readonly logger: Logger
}

/** The protocols of the hub: each listener's server, and what it does with a connection. */
export class Heads {
  readonly #options: HeadsOptions
  readonly #amqp: AmqpConnectionOptions
  readonly #mqtt: MqttConnectionOptions
  #lines = 0

  constructor(options: HeadsOptions) {
    const { state, faults, clock, logger, hubName, eventHubName } = options
    const eventHub = { state, entity: eventHubName, now: () => clock.now() }
    const { authority, clients } = state
    const shared = {
      clock,
      logger,
      admit: faults.proven.bind(faults),
      tokenSkew: SAS_CLOCK_SKEW,
    }
    this.#options = options
    this.#mqtt = { ...shared, state }
    this.#amqp = {
      ...shared,
      authority,
      clients,
      services: [
        cbsService({ authority, logger }),
        telemetryService(state),
        twinService(state),
        methodsService(state),
        commandsService(state),
        commandSenderService(state),
        feedbackService({ state, hubName, now: () => clock.now() }),
        fileNotificationService(),
        readingService(eventHub),
        managementService(eventHub),
      ],
    }
  }

  /** A server for each port, not listening yet. */
  servers({ cert, key }: EmulatorTls): Readonly<Record<'mqtt' | 'amqp' | 'https', Server>> {
    const { state, deployments, faults, provisioning, clock, logger } = this.#options
    // Whoever shows a certificate is judged by the registry, so the handshake takes any.
    const tls = { cert, key, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2' as const }
    const serve = serveHttp({
      routes: [...serviceRoutes(state, deployments), ...deviceScopeRoutes(state), ...faultRoutes(faults)],
      authority: state.authority,
      logger,
      clock,
      fate: principal => faults.request(principal),
    })
    const https = createHttpsServer(tls, provisioning.before(serve))
    https.on(
      'upgrade',
      serveWebSockets((kind, stream, request) => this.#accept(`${kind}-ws`, stream, request.socket as TLSSocket)),
    )
    return {
      mqtt: createTlsServer(tls, socket => this.#accept('mqtt', socket, socket)),
      amqp: createTlsServer(tls, socket => this.#accept('amqp', socket, socket)),
      https,
    }
  }

  #accept(transport: LineTransport, stream: Duplex, socket: TLSSocket): void {
    socket.setNoDelay(true)
    const info = {
      id: ++this.#lines,
      transport,
      peer: socket.remoteAddress ?? '',
      certificate: socket.getPeerX509Certificate()?.raw,
    }
    const line = new Line(stream, info, this.#options.clock)
    if (!this.#options.faults.opened(line)) line.destroy()
    else if (transport.startsWith('mqtt')) new MqttConnection(line, this.#mqtt)
    else new AmqpConnection(line, this.#amqp)
  }
}
