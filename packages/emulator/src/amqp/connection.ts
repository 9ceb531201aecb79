import { type Clock, type Identity, type Logger, sameIdentity, type Timer } from '@edgewright/core'
import { AMQP_LIMITS } from '@edgewright/protocol'
import type { Line } from '../network/line.js'
import type { Authority, Principal } from '../state/authority.js'
import type { ClientOwner, Clients, PartingReason } from '../state/clients.js'
import { HubError } from '../state/hub-error.js'
import type { Permission } from '../state/policies.js'
import { echoAttach, pathOf } from './attach-answer.js'
import { guardFrames } from './frame-guard.js'
import { IncomingLink } from './incoming-link.js'
import type { IncomingEndpoint, LinkService, OutgoingEndpoint } from './links.js'
import { OutgoingLink } from './outgoing-link.js'
import { Principals, samePrincipal } from './principals.js'
import {
  type AmqpError,
  type Connection,
  createConnection,
  createContainer,
  type EventContext,
  type Receiver,
  type Sender,
  type Session,
} from './rhea.js'
import { offerMechanisms } from './sasl.js'
import { Settlements } from './settlements.js'

const OPEN_TIMEOUT = 60_000
const DEFAULT_WINDOW = 500

/** What a connection works with. */
export interface AmqpConnectionOptions {
  readonly authority: Authority
  readonly clients: Clients
  readonly services: readonly LinkService[]
  readonly clock: Clock
  readonly logger: Logger
  /** Asked for each identity or policy that a connection proves: whether it, or the whole connection, may not. */
  readonly admit: (line: Line, principal: Principal, owner: ClientOwner) => 'welcome' | 'refuse' | 'drop'
  /** Milliseconds a token counts after its expiry. */
  readonly tokenSkew: number
}

type AnyLink = Receiver | Sender

/** One AMQP connection: what it has proven, and its links. */
export class AmqpConnection implements ClientOwner {
  readonly line: Line
  readonly transport: string
  readonly #options: AmqpConnectionOptions
  readonly #connection: Connection
  readonly #principals: Principals
  readonly #endpoints = new Map<AnyLink, IncomingEndpoint | OutgoingEndpoint>()
  readonly #settlements: Settlements
  #open: Timer | undefined

  constructor(line: Line, options: AmqpConnectionOptions) {
    this.line = line
    this.transport = line.info.transport
    this.#options = options
    const { clock, tokenSkew } = options
    this.#principals = new Principals({ clock, tokenSkew, lapsed: principal => this.#lapsed(principal) })
    this.#settlements = new Settlements(() => line.isOver)
    const container = createContainer()
    offerMechanisms(container, this, options.authority)
    this.#connection = createConnection(container, CONNECTION_OPTIONS)
    this.#listen()
    guardFrames(line, AMQP_LIMITS.maxFrameSize)
    this.#open = clock.after(OPEN_TIMEOUT, () => line.destroy())
    this.#connection.accept(line)
  }

  /** Adds what the connection has proven, or renews it. @returns false when it may not */
  prove(principal: Principal): boolean {
    const verdict = this.#options.admit(this.line, principal, this)
    if (verdict === 'drop') this.line.destroy()
    if (verdict !== 'welcome') return false
    this.#principals.put(principal)
    return true
  }

  /**
   * On whose word this connection may act as an identity; claims the identity for this connection.
   *
   * @throws `HUB_UNAUTHORIZED`
   */
  actAs(identity: Identity, properties: Readonly<Record<string, unknown>>): Principal {
    const chain = properties['com.microsoft:auth-chain']
    const principal =
      typeof chain === 'string' ? this.#speaksFor(identity, chain.split(';')) : this.#speaksForItself(identity)
    if (principal === undefined) throw new HubError('IotHubUnauthorizedAccess', 'Unauthorized')
    this.#options.clients.claim(identity, this)
    return principal
  }

  /**
   * Sees that the connection holds a policy with a permission over the whole hub, or over one entity of it.
   *
   * @param entity - first segment of the audience that will do too
   * @throws `HUB_UNAUTHORIZED`
   */
  require(permission: Permission, entity?: string): Principal {
    for (const principal of this.#principals) {
      if (principal.kind !== 'policy' || !principal.permissions.includes(permission)) continue
      const [scope] = principal.path
      if (scope === undefined || scope.toLowerCase() === entity?.toLowerCase()) return principal
    }
    throw new HubError('IotHubUnauthorizedAccess', 'Unauthorized')
  }

  part(identity: Identity, reason: PartingReason): void {
    for (const [link, endpoint] of [...this.#endpoints]) {
      if (endpoint.identity !== undefined && sameIdentity(endpoint.identity, identity)) {
        this.#detach(link, PARTING_ERRORS[reason])
      }
    }
    if (reason !== 'taken-over') this.#principals.forget(identity)
  }

  /** Closes a link of this connection. */
  closeLink(link: AnyLink, error: AmqpError): void {
    this.#detach(link, error)
  }

  #listen(): void {
    const connection = this.#connection
    connection.on('connection_open', () => this.#opened())
    connection.on('receiver_open', (context: EventContext) => this.#attachIncoming(context.receiver as Receiver))
    connection.on('sender_open', (context: EventContext) => this.#attachOutgoing(context.sender as Sender))
    for (const event of ['receiver_close', 'receiver_error'] as const) {
      connection.on(event, (context: EventContext) => this.#closed(context.receiver as Receiver))
    }
    for (const event of ['sender_close', 'sender_error'] as const) {
      connection.on(event, (context: EventContext) => this.#closed(context.sender as Sender))
    }
    for (const event of ['session_close', 'session_error'] as const) {
      connection.on(event, (context: EventContext) => this.#sessionClosed(context.session as Session))
    }
    connection.on('connection_close', () => this.#over())
    connection.on('disconnected', () => this.#over())
    for (const event of ['error', 'connection_error', 'protocol_error'] as const) {
      connection.on(event, (detail: unknown) => this.#failed(event, detail))
    }
  }

  #opened(): void {
    this.#open?.cancel()
    const idle = this.#connection.idle_time_out
    if (idle === undefined || idle === null || idle === 0 || idle >= AMQP_LIMITS.minimumIdleTimeout) return
    this.#connection.close({
      condition: 'amqp:not-allowed',
      description: `An idle time-out below ${AMQP_LIMITS.minimumIdleTimeout} ms`,
    })
  }

  #attachIncoming(receiver: Receiver): void {
    echoAttach(receiver)
    try {
      const attach = { ...this.#attach(receiver, receiver.target?.address), direction: 'to-hub' as const, receiver }
      const endpoint = this.#serve(service => service.incoming?.(attach))
      this.#endpoints.set(receiver, endpoint)
      new IncomingLink(receiver, endpoint.window ?? DEFAULT_WINDOW, this.#settlements, delivery =>
        endpoint.take(delivery),
      )
    } catch (error) {
      this.#refuse(receiver, error)
    }
  }

  #attachOutgoing(sender: Sender): void {
    echoAttach(sender)
    try {
      const link = new OutgoingLink(sender, () => this.#ready(sender))
      const attach = { ...this.#attach(sender, sender.source?.address), direction: 'to-client' as const, sender, link }
      this.#endpoints.set(
        sender,
        this.#serve(service => service.outgoing?.(attach)),
      )
    } catch (error) {
      this.#refuse(sender, error)
    }
  }

  /** The library calls from where an exception would end the process. */
  #ready(sender: Sender): void {
    const endpoint = this.#endpoints.get(sender) as OutgoingEndpoint | undefined
    try {
      endpoint?.ready()
    } catch (error) {
      this.#options.logger.log('error', 'AMQP link failed', { connection: this.line.info.id, link: sender.name, error })
      this.#detach(sender, { condition: 'amqp:internal-error', description: 'The emulator failed' })
    }
  }

  #attach(link: AnyLink, address: string | undefined) {
    const { session, properties } = link
    return {
      connection: this,
      session,
      address: address ?? '',
      path: pathOf(address ?? ''),
      properties: properties ?? {},
    }
  }

  #serve<Endpoint>(ask: (service: LinkService) => Endpoint | undefined): Endpoint {
    for (const service of this.#options.services) {
      const endpoint = ask(service)
      if (endpoint !== undefined) return endpoint
    }
    throw new HubError('NotFound', 'There is nothing at this address')
  }

  #refuse(link: AnyLink, error: unknown): void {
    const refusal = HubError.from(error)
    this.#options.logger.log('info', 'AMQP link refused', { connection: this.line.info.id, link: link.name, error })
    link.close({ condition: refusal.condition, description: refusal.message })
  }

  #speaksFor(identity: Identity, chain: readonly string[]): Principal | undefined {
    return [...this.#principals].find(principal => this.#options.authority.allows(principal, identity, chain))
  }

  /** By a token of its own or of a policy; a client with a certificate puts none, and is judged as it asks for a link. */
  #speaksForItself(identity: Identity): Principal | undefined {
    const { authority } = this.#options
    const proven = this.#principals.find(identity)
    if (proven !== undefined) return proven
    const { certificate } = this.line.info
    const certified = certificate === undefined ? undefined : authority.certificate(certificate, identity)
    if (certified !== undefined && certified.kind !== 'refused' && this.prove(certified)) return certified
    return [...this.#principals].find(principal => principal.kind === 'policy' && authority.allows(principal, identity))
  }

  #lapsed(lapsed: Principal): void {
    for (const [link, { principal }] of [...this.#endpoints]) {
      if (principal !== undefined && samePrincipal(principal, lapsed)) this.#detach(link, PARTING_ERRORS.expired)
    }
  }

  #detach(link: AnyLink, error: AmqpError): void {
    if (!this.#endpoints.has(link)) return
    link.close(error)
    this.#closed(link)
  }

  #closed(link: AnyLink): void {
    const endpoint = this.#endpoints.get(link)
    if (endpoint === undefined) return
    this.#endpoints.delete(link)
    endpoint.closed?.()
    const { identity } = endpoint
    // A link that takes this one's place is attached within this turn.
    if (identity !== undefined) queueMicrotask(() => this.#releaseUnused(identity))
  }

  #sessionClosed(session: Session): void {
    for (const link of [...this.#endpoints.keys()]) if (link.session === session) this.#closed(link)
  }

  #over(): void {
    this.#open?.cancel()
    const identities = [...this.#endpoints.values()].flatMap(({ identity }) => identity ?? [])
    for (const link of [...this.#endpoints.keys()]) this.#closed(link)
    for (const identity of identities) this.#releaseUnused(identity)
    this.#principals.clear()
  }

  #releaseUnused(identity: Identity): void {
    for (const other of this.#endpoints.values()) {
      if (other.identity !== undefined && sameIdentity(other.identity, identity)) return
    }
    this.#options.clients.release(identity, this)
  }

  #failed(event: string, detail: unknown): void {
    const error = detail instanceof Error ? detail : (detail as EventContext).error
    this.#options.logger.log('info', 'AMQP connection failed', { connection: this.line.info.id, event, error })
    if (event !== 'connection_error') this.line.destroy()
  }
}

const CONNECTION_OPTIONS = Object.freeze({
  container_id: 'edgewright-emulator',
  max_frame_size: AMQP_LIMITS.maxFrameSize,
  idle_time_out: AMQP_LIMITS.idleTimeout,
  receiver_options: {
    credit_window: 0,
    autoaccept: false,
    autosettle: false,
    max_message_size: AMQP_LIMITS.maxMessageSize,
  },
  sender_options: {
    autosettle: false,
    treat_modified_as_released: false,
    max_message_size: AMQP_LIMITS.maxMessageSize,
  },
})

const PARTING_ERRORS: Readonly<Record<PartingReason, AmqpError>> = {
  'taken-over': { condition: 'amqp:link:stolen', description: 'Another connection of the same identity took over' },
  disabled: { condition: 'amqp:unauthorized-access', description: 'Unauthorized' },
  removed: { condition: 'amqp:not-found', description: 'The identity is gone' },
  expired: { condition: 'amqp:unauthorized-access', description: 'The token has expired' },
  stopping: { condition: 'amqp:link:detach-forced', description: 'The hub is stopping' },
  fault: { condition: 'amqp:link:detach-forced', description: 'The link was detached' },
}
