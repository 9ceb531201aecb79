import {
  type Clock,
  type Identity,
  type Logger,
  Service,
  settleInOrder,
  silentLogger,
  systemClock,
} from '@edgewright/core'
import { type ConnectionCredential, formatConnectionString } from '@edgewright/protocol'
import { Provisioning } from './dps/provisioning.js'
import { EmulatorEvents } from './events.js'
import { Faults } from './faults/faults.js'
import { Heads } from './heads.js'
import { Listener } from './network/listener.js'
import { type OpenState, openState } from './open-state.js'
import { EMULATOR_DEFAULTS, type EmulatorOptions, type EmulatorPorts } from './options.js'
import type { Clients } from './state/clients.js'
import type { Commands } from './state/commands.js'
import { HubError } from './state/hub-error.js'
import type { HubState } from './state/hub-state.js'
import type { Methods } from './state/methods.js'
import type { Policy } from './state/policies.js'
import type { Registry } from './state/registry.js'
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
  /** What goes wrong, on command. */
  readonly faults: Faults
  /** The Device Provisioning Service beside the hub, on its HTTPS port: enroll devices here. */
  readonly provisioning: Provisioning
  readonly #options: EmulatorOptions
  readonly #eventHubName: string
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #ports: Required<EmulatorPorts>
  #open: OpenState | undefined
  #bound: Required<EmulatorPorts> | undefined
  #listeners: { -readonly [Name in keyof EmulatorPorts]?: Listener } = {}

  constructor(options: EmulatorOptions) {
    super()
    this.#options = options
    this.address = options.address ?? EMULATOR_DEFAULTS.address
    this.hostName = options.hostName ?? this.address
    this.#eventHubName = options.eventHubName ?? EMULATOR_DEFAULTS.eventHubName
    this.#ports = { ...EMULATOR_DEFAULTS.ports, ...options.ports }
    this.#clock = options.clock ?? systemClock
    this.#logger = options.logger ?? silentLogger
    this.faults = new Faults({
      clock: this.#clock,
      logger: this.#logger,
      seed: options.seed ?? EMULATOR_DEFAULTS.seed,
    })
    this.provisioning = new Provisioning({
      idScope: options.idScope,
      registry: () => this.registry,
      hubName: this.hostName,
      clock: this.#clock,
      logger: this.#logger,
    })
    this.events = new EmulatorEvents(() => this.#state.events)
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
    const { mqtt, amqp, https } = this.#listeners
    return { mqtt: mqtt?.connections ?? 0, amqp: amqp?.connections ?? 0, https: https?.connections ?? 0 }
  }

  /** The connection string of the service side, with all rights: policy `iothubowner`. */
  get connectionString(): string {
    return this.policyConnectionString('iothubowner')
  }

  /** The connection string of a shared access policy. @throws `HUB_NOT_FOUND` */
  policyConnectionString(policy: string): string {
    const credential = { kind: 'key', key: this.#policy(policy).primaryKey } as const
    return formatConnectionString({ kind: 'service', hostName: this.hostName, policy, credential })
  }

  /** The connection string by which the Event Hubs SDK reads telemetry, with the right to do only that. */
  get eventHubConnectionString(): string {
    const { primaryKey } = this.#policy('service')
    const port = this.ports.amqp === EMULATOR_DEFAULTS.ports.amqp ? '' : `:${this.ports.amqp}`
    return [
      `Endpoint=sb://${this.hostName}${port}/`,
      'SharedAccessKeyName=service',
      `SharedAccessKey=${primaryKey}`,
      `EntityPath=${this.#eventHubName}`,
    ].join(';')
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
    this.faults.inject({ kind: 'cut', target: { side: 'device' } })
  }

  /** Lifts every cut. */
  restore(): void {
    this.faults.clear('cut')
  }

  protected async onStart(): Promise<void> {
    this.#open = await this.#openState()
    const { state, deployments } = this.#open
    const heads = new Heads({
      state,
      deployments,
      faults: this.faults,
      provisioning: this.provisioning,
      hubName: this.hostName,
      eventHubName: this.#eventHubName,
      clock: this.#clock,
      logger: this.#logger,
    })
    const servers = heads.servers(this.#options.tls)
    const ports: Record<keyof EmulatorPorts, number> = { ...this.#ports }
    for (const name of ['mqtt', 'amqp', 'https'] as const) {
      this.#listeners[name] = new Listener(servers[name], () => this.faults.admits(name))
      ports[name] = await this.#listeners[name].open({ address: this.address, port: ports[name] })
    }
    this.#bound = ports
  }

  protected async onStop(): Promise<void> {
    this.#bound = undefined
    const listeners = Object.values(this.#listeners)
    this.#listeners = {}
    await settleInOrder([
      ...listeners.map(listener => () => listener.close()),
      async () => this.#open?.storage?.close(),
    ])
  }

  get #state(): HubState {
    if (this.#open === undefined) this.assertRunning()
    return (this.#open as OpenState).state
  }

  /** State in memory outlives a stop; state in a folder is read again. */
  async #openState(): Promise<OpenState> {
    const isKept = this.#open !== undefined && this.#options.dataDir === undefined
    return isKept
      ? (this.#open as OpenState)
      : openState(this.#options, {
          clock: this.#clock,
          hosts: () => this.#hosts(),
          admit: (identity, operation) => this.faults.strike(identity, operation),
        })
  }

  #policy(name: string): Policy {
    const found = this.#state.policies.get(name)
    if (found === undefined) throw new HubError('NotFound', `There is no policy ${name}`)
    return found
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
