import { createServer as createHttpsServer } from 'node:https'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import {
  type Clock,
  type Identity,
  type Logger,
  memoryMeter,
  type Meter,
  Service,
  settleInOrder,
  silentLogger,
  systemClock,
} from '@edgewright/core'
import { type ConnectionCredential, formatConnectionString, SAS_CLOCK_SKEW } from '@edgewright/protocol'
import { cbsService } from './amqp/cbs.js'
import { AmqpConnection, type AmqpConnectionOptions } from './amqp/connection.js'
import { telemetryService } from './device-side/amqp/telemetry.js'
import { twinService } from './device-side/amqp/twin.js'
import { methodsService } from './device-side/amqp/methods.js'
import { commandsService } from './device-side/amqp/commands.js'
import { MqttConnection, type MqttConnectionOptions } from './device-side/mqtt/connection.js'
import { deviceScopeRoutes } from './device-side/device-scope.js'
import { EmulatorEvents } from './events.js'
import { DeviceCut } from './faults/device-cut.js'
import { serveHttp } from './http/server.js'
import { Line, type LineTransport } from './network/line.js'
import { Listener } from './network/listener.js'
import { HubStorage } from './persistence/hub-storage.js'
import { EMULATOR_DEFAULTS, type EmulatorOptions, type EmulatorPorts } from './options.js'
import { registryRoutes } from './service-side/rest/registry.js'
import type { Clients } from './state/clients.js'
import type { Commands } from './state/commands.js'
import { HubError } from './state/hub-error.js'
import { HubState } from './state/hub-state.js'
import type { Methods } from './state/methods.js'
import type { Registry } from './state/registry.js'
import { memoryTables } from './state/table.js'
import type { Twins } from './state/twins.js'

/** Makes an IoT Hub to develop and test against; call {@link Emulator.start} to bring it up. */
export function createEmulator(options: EmulatorOptions): Emulator {
  return new Emulator(options)
}

/** An IoT Hub: the Azure device and service SDKs work against it unchanged. */
export class Emulator extends Service {
  /** The name in connection strings. */
  readonly hostName: string
  /** The address it listens on. */
  readonly address: string
  /** What was sent, with who sent it. */
  readonly events: EmulatorEvents
  readonly #options: EmulatorOptions
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #meter: Meter
  readonly #cut = new DeviceCut()
  readonly #ports: Required<EmulatorPorts>
  #hub: HubState | undefined
  #storage: HubStorage | undefined
  #bound: Required<EmulatorPorts> | undefined
  #listeners: readonly Listener[] = []
  #lines = 0

  constructor(options: EmulatorOptions) {
    super()
    this.#options = options
    this.address = options.address ?? EMULATOR_DEFAULTS.address
    this.hostName = options.hostName ?? this.address
    this.#ports = { ...EMULATOR_DEFAULTS.ports, ...options.ports }
    this.#clock = options.clock ?? systemClock
    this.#logger = options.logger ?? silentLogger
    this.#meter = options.meter ?? memoryMeter()
    this.events = new EmulatorEvents(() => this.#state.events)
    void this.#meter
  }

  /** The identity registry. @throws `NOT_RUNNING` before the first start */
  get registry(): Registry {
    return this.#state.registry
  }

  /** The twins of devices and modules. @throws `NOT_RUNNING` before the first start */
  get twins(): Twins {
    return this.#state.twins
  }

  /** Cloud-to-device messages. @throws `NOT_RUNNING` before the first start */
  get commands(): Commands {
    return this.#state.commands
  }

  /** Direct methods. @throws `NOT_RUNNING` before the first start */
  get methods(): Methods {
    return this.#state.methods
  }

  /** Who is connected, and listens to what. @throws `NOT_RUNNING` before the first start */
  get clients(): Clients {
    return this.#state.clients
  }

  /** The ports that were bound. @throws `NOT_RUNNING` */
  get ports(): Required<EmulatorPorts> {
    if (this.#bound === undefined) this.assertRunning()
    return this.#bound as Required<EmulatorPorts>
  }

  /** How many network connections are open, by listener. */
  get openConnections(): Required<EmulatorPorts> {
    const [mqtt = 0, amqp = 0, https = 0] = this.#listeners.map(({ connections }) => connections)
    return { mqtt, amqp, https }
  }

  /** The connection string of the service side, with all rights: policy `iothubowner`. */
  get connectionString(): string {
    return this.policyConnectionString('iothubowner')
  }

  /** The connection string of a shared access policy. */
  policyConnectionString(policy: string): string {
    const found = this.#state.policies.get(policy)
    if (found === undefined) throw new HubError('NotFound', `There is no policy ${policy}`)
    return formatConnectionString({
      kind: 'service',
      hostName: this.hostName,
      policy,
      credential: { kind: 'key', key: found.primaryKey },
    })
  }

  /** The connection string of a device. @throws `HUB_DEVICE_NOT_FOUND` */
  deviceConnectionString(deviceId: string): string {
    return this.#identityConnectionString({ deviceId })
  }

  /** The connection string of a module. @throws `HUB_DEVICE_NOT_FOUND`, `HUB_MODULE_NOT_FOUND` */
  moduleConnectionString(deviceId: string, moduleId: string): string {
    return this.#identityConnectionString({ deviceId, moduleId })
  }

  /** Drops every connection of the device side and those that come, until {@link restore}; back-ends go on. */
  cut(): void {
    this.#cut.cut()
  }

  /** Lets the device side connect again. */
  restore(): void {
    this.#cut.restore()
  }

  protected async onStart(): Promise<void> {
    await this.#openState()
    const { cert, key } = this.#options.tls
    // Whoever shows a certificate is judged by the registry, so the handshake takes any.
    const tls = { cert, key, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2' as const }
    const amqpOptions = this.#amqpOptions()
    const amqp = createTlsServer(tls, socket => this.#acceptAmqp(socket, amqpOptions))
    const mqttOptions = this.#mqttOptions()
    const mqtt = createTlsServer(tls, socket => this.#acceptMqtt(socket, mqttOptions))
    const https = createHttpsServer(
      tls,
      serveHttp({
        routes: [...registryRoutes(this.#state), ...deviceScopeRoutes(this.#state)],
        authority: this.#state.authority,
        logger: this.#logger,
        admit: principal => this.#cut.admitsRequest(principal),
      }),
    )
    const listeners = { mqtt: new Listener(mqtt), amqp: new Listener(amqp), https: new Listener(https) }
    this.#listeners = Object.values(listeners)
    const bind = (listener: Listener, port: number) => listener.open({ address: this.address, port })
    this.#bound = {
      mqtt: await bind(listeners.mqtt, this.#ports.mqtt),
      amqp: await bind(listeners.amqp, this.#ports.amqp),
      https: await bind(listeners.https, this.#ports.https),
    }
  }

  protected async onStop(): Promise<void> {
    this.#bound = undefined
    const storage = this.#storage
    await settleInOrder([...this.#listeners.map(listener => () => listener.close()), async () => storage?.close()])
    this.#listeners = []
    this.#storage = undefined
  }

  get #state(): HubState {
    if (this.#hub === undefined) this.assertRunning()
    return this.#hub as HubState
  }

  /** State in memory outlives a stop; state in a folder is read again. */
  async #openState(): Promise<void> {
    const { dataDir, events, commands } = this.#options
    if (dataDir === undefined) {
      this.#hub ??= new HubState({
        tables: memoryTables(),
        clock: this.#clock,
        events,
        commands,
        hosts: () => this.#hosts(),
      })
      return
    }
    const storage = await HubStorage.open(dataDir)
    this.#storage = storage
    this.#hub = new HubState({
      tables: storage.tables,
      clock: this.#clock,
      events,
      commands,
      hosts: () => this.#hosts(),
      whenKept: storage.whenKept,
    })
    await storage.keep(this.#hub.events)
  }

  #amqpOptions(): AmqpConnectionOptions {
    const state = this.#state
    const { authority, clients } = state
    return {
      authority,
      clients,
      services: [
        cbsService({ authority, logger: this.#logger }),
        telemetryService(state),
        twinService(state),
        methodsService(state),
        commandsService(state),
      ],
      clock: this.#clock,
      logger: this.#logger,
      admit: (line, principal) => this.#cut.admitsPrincipal(line, principal),
      tokenSkew: SAS_CLOCK_SKEW,
    }
  }

  #mqttOptions(): MqttConnectionOptions {
    return {
      state: this.#state,
      clock: this.#clock,
      logger: this.#logger,
      admit: (line, principal) => this.#cut.admitsPrincipal(line, principal),
      tokenSkew: SAS_CLOCK_SKEW,
    }
  }

  #acceptAmqp(socket: TLSSocket, options: AmqpConnectionOptions): void {
    const line = this.#line(socket, 'amqp')
    if (this.#cut.admitsLine(line)) new AmqpConnection(line, options)
    else line.destroy()
  }

  #acceptMqtt(socket: TLSSocket, options: MqttConnectionOptions): void {
    const line = this.#line(socket, 'mqtt')
    if (this.#cut.admitsLine(line)) new MqttConnection(line, options)
    else line.destroy()
  }

  #line(socket: TLSSocket, transport: LineTransport): Line {
    socket.setNoDelay(true)
    const certificate = socket.getPeerX509Certificate()?.raw
    return new Line(socket, { id: ++this.#lines, transport, peer: socket.remoteAddress ?? '', certificate })
  }

  #hosts(): readonly string[] {
    const names = [this.hostName, this.address, 'localhost']
    const ports = this.#bound === undefined ? [] : Object.values(this.#bound)
    return names.flatMap(name => [name, ...ports.map(port => `${name}:${port}`)])
  }

  #identityConnectionString(identity: Identity): string {
    const { authentication } = this.#state.registry.get(identity)
    const credential: ConnectionCredential =
      authentication.type === 'symmetricKey' ? { kind: 'key', key: authentication.primaryKey } : { kind: 'certificate' }
    return formatConnectionString({ kind: 'identity', hostName: this.hostName, identity, credential })
  }
}
