import {
  type Clock,
  type Identity,
  type JsonObject,
  MAX_MESSAGE_BYTES,
  type Message,
  messageSize,
} from '@edgewright/core'
import { Authority } from './authority.js'
import { Clients } from './clients.js'
import { type CommandOptions, Commands } from './commands.js'
import { type Configuration, Configurations } from './configurations.js'
import type { AuthenticationMethod } from './event.js'
import { EventLog, type EventLogOptions } from './event-log.js'
import { FeedbackQueue } from './feedback.js'
import { HubError } from './hub-error.js'
import { Methods } from './methods.js'
import { ensurePolicies, type Policy } from './policies.js'
import { Registry, type RegistryEntry } from './registry.js'
import type { StoredCommand } from './stored-command.js'
import { type Grant, StoredSubscriptions } from './stored-subscriptions.js'
import type { Table, TableSource } from './table.js'
import { type TwinRecord, Twins } from './twins.js'

/** What the state is made of. */
export interface HubStateOptions {
  readonly tables: TableSource
  readonly clock: Clock
  readonly events?: EventLogOptions | undefined
  readonly commands?: CommandOptions | undefined
  /** Authorities whose devices prove themselves by the common names of their certificates, PEM. */
  readonly authorities?: readonly string[] | undefined
  /** The names this hub answers to in audiences, with and without ports. */
  readonly hosts: () => readonly string[]
  /** Asked before each operation of a client. @throws what it is refused with */
  readonly admit?: ((identity: Identity, operation: 'telemetry' | 'twin' | 'report') => void) | undefined
  /** Calls back when everything changed so far is kept. @default at once: memory is all there is */
  readonly whenKept?: WhenKept | undefined
}

/** Calls back, at once or later, when everything changed so far is kept, or with why it cannot be. */
export type WhenKept = (done: (failure?: Error) => void) => void

/** Everything the hub knows, without a socket: what all protocol heads stand on. */
export class HubState {
  readonly registry: Registry
  readonly policies: Table<Policy>
  readonly authority: Authority
  readonly events: EventLog
  readonly clients = new Clients()
  readonly twins: Twins
  readonly configurations: Configurations
  readonly methods: Methods
  readonly commands: Commands
  readonly feedback = new FeedbackQueue()
  readonly subscriptions: StoredSubscriptions
  readonly whenKept: WhenKept
  readonly #admit: NonNullable<HubStateOptions['admit']>

  constructor({
    tables,
    clock,
    events,
    commands,
    authorities,
    hosts,
    admit = () => undefined,
    whenKept = done => done(),
  }: HubStateOptions) {
    this.whenKept = whenKept
    this.#admit = admit
    const now = () => clock.now()
    this.registry = new Registry(tables.table<RegistryEntry>('identities'), now)
    this.policies = tables.table<Policy>('policies')
    ensurePolicies(this.policies)
    this.authority = new Authority({ registry: this.registry, policies: this.policies, hosts, now, authorities })
    this.events = new EventLog(now, events)
    const { clients, registry } = this
    this.subscriptions = new StoredSubscriptions(tables.table<readonly Grant[]>('subscriptions'), registry)
    this.twins = new Twins({
      records: tables.table<TwinRecord>('twins'),
      registry,
      now,
    })
    this.twins.watch(event => {
      if (event.kind === 'desired') clients.handler(event.identity, 'desired')?.(event.patch)
    })
    this.configurations = new Configurations(tables.table<Configuration>('configurations'), now)
    this.methods = new Methods({ clients, registry, clock })
    this.commands = new Commands({
      records: tables.table<StoredCommand>('commands'),
      registry,
      clock,
      limits: commands,
      available: identity => clients.handler(identity, 'command')?.(),
      feedback: feedback => this.feedback.add(feedback),
    })
    this.registry.watch(({ kind, entry }) => {
      if (kind === 'removed') this.clients.part(entry.identity, 'removed')
      else if (kind === 'updated' && entry.status === 'disabled') this.#partDevice(entry.identity.deviceId)
    })
  }

  /**
   * Takes telemetry into the event log, all or none, stamped with who sent it whatever the messages say.
   *
   * @throws `HUB_MESSAGE_TOO_LARGE`, `HUB_DEVICE_NOT_FOUND`, and what faults say
   */
  ingest(sender: Identity, authentication: AuthenticationMethod, messages: readonly Message[]): void {
    for (const message of messages) {
      if (messageSize(message) > MAX_MESSAGE_BYTES) {
        throw new HubError('MessageTooLarge', `A message may weigh ${MAX_MESSAGE_BYTES} bytes`)
      }
      this.#admit(sender, 'telemetry')
    }
    const { generationId } = this.registry.get(sender)
    const stamp = { connectionDeviceId: sender.deviceId, connectionModuleId: sender.moduleId }
    for (const { body, properties, system } of messages) {
      const message = { body, properties, system: { ...system, ...stamp } }
      this.events.append({ sender, generationId, authentication, source: 'Telemetry', message })
    }
  }

  /** To be asked before a client's twin request is answered. @throws what it is refused with */
  admitTwinRequest(identity: Identity): void {
    this.#admit(identity, 'twin')
  }

  /** Takes a client's patch of its reported properties. @returns their new version @throws as {@link Twins.report}, and what faults say */
  report(identity: Identity, patch: JsonObject): number {
    this.#admit(identity, 'report')
    return this.twins.report(identity, patch)
  }

  #partDevice(deviceId: string): void {
    this.clients.part({ deviceId }, 'disabled')
    for (const { identity } of this.registry.modules(deviceId)) this.clients.part(identity, 'disabled')
  }
}
