import { type Identity, type IdentityKey, identityKey, type Logger, type SessionEnd } from '@edgewright/core'
import { AMQP_CONDITION, type AmqpLinkAddress, parseLinkAddress, Refusal } from '@edgewright/protocol'
import { AmqpClient, type AttachFacts, type ClientShare } from './client.js'
import { LinkRefusal, linkError } from './link-error.js'
import type { Link, LinkInternals, Receiver, Sender, Session } from './rhea.js'
import type { TokenNode } from './token-node.js'

/** What the links of a connection work with. */
export interface LinksOptions {
  readonly tokens: TokenNode
  /** What each client is given, beside being told of when its last link goes. */
  readonly client: Omit<ClientShare, 'onLeft'>
  /** Links at once. */
  readonly maxLinks: number
  readonly logger: Logger
  /** Address of the peer, for the log. */
  readonly peer: string
}

/** The links of one connection, and the clients whose links they are. Source: wire reference, sections 3.3 and 3.4. */
export class ConnectionLinks {
  readonly #options: LinksOptions
  readonly #clientShare: ClientShare
  readonly #clients = new Map<IdentityKey, AmqpClient>()
  /** Undefined for links of the token node. */
  readonly #owners = new Map<Link, AmqpClient | undefined>()

  constructor(options: LinksOptions) {
    this.#options = options
    this.#clientShare = { ...options.client, onLeft: client => this.#onLeft(client) }
  }

  /** The peer attaches a link on which it sends. */
  attachReceiver(receiver: Receiver): void {
    this.#answer(receiver, receiver.target?.address, address => {
      if (address.kind === 'cbs') return this.#options.tokens.attachIncoming(receiver)
      if (address.kind === 'feedback' || address.kind === 'devicebound') throw notFound()
      const client = this.#own(receiver, address.identity)
      client.attachIncoming(INCOMING_ROLES[address.kind], receiver, attachFacts(receiver))
    })
  }

  /** The peer attaches a link on which it is sent to. */
  attachSender(sender: Sender): void {
    this.#answer(sender, sender.source?.address, address => {
      if (address.kind === 'cbs') return this.#options.tokens.attachOutgoing(sender)
      if (address.kind === 'feedback') throw notFound()
      if (address.kind === 'events' && address.identity.moduleId === undefined) throw notFound()
      const client = this.#own(sender, address.identity)
      client.attachOutgoing(OUTGOING_ROLES[address.kind], sender, attachFacts(sender))
    })
  }

  /** The peer has closed a link. */
  detached(link: Link): void {
    const client = this.#owners.get(link)
    this.#owners.delete(link)
    client?.detached(link)
  }

  /** The peer has ended a session, and with it its links. */
  sessionEnded(session: Session): void {
    for (const link of [...this.#owners.keys()]) if (link.session === session) this.detached(link)
  }

  /** Ends the client of an identity, if there is one. */
  end(identity: Identity, end: SessionEnd): void {
    this.#clients.get(identityKey(identity))?.end(end)
  }

  /** The connection is gone, or goes. */
  lost(end?: SessionEnd): void {
    for (const client of [...this.#clients.values()]) client.lost(end)
  }

  /** The connection takes more again. */
  pump(): void {
    for (const client of this.#clients.values()) client.pump()
  }

  /** All frames of a chunk were read. @returns messages handed on */
  commit(): number {
    let messages = 0
    for (const client of this.#clients.values()) messages += client.commit()
    return messages
  }

  /** Bytes that the library holds of messages whose last frame has not come: it knows no limit. */
  partialBytes(): number {
    let bytes = 0
    for (const link of this.#owners.keys()) {
      const partial = (link as Link & LinkInternals)._incomplete
      if (partial !== undefined) for (const frame of partial.frames) bytes += frame.length
    }
    return bytes
  }

  #answer(link: Link, address: string | undefined, attach: (address: AmqpLinkAddress) => void): void {
    echo(link)
    if (this.#owners.size >= this.#options.maxLinks) this.#options.client.onViolation('too many links')
    this.#owners.set(link, undefined)
    try {
      const parsed = parseLinkAddress(address ?? '')
      if (parsed instanceof Refusal) throw notFound()
      attach(parsed)
    } catch (error) {
      this.#owners.delete(link)
      const refusal = linkError(error)
      const { logger, peer } = this.#options
      logger.log('info', 'amqp link refused', { peer, address, reason: refusal.description })
      link.close(refusal)
    }
  }

  #own(link: Link, identity: Identity): AmqpClient {
    const chain = link.properties?.['com.microsoft:auth-chain']
    if (typeof chain === 'string' && chain.includes(';')) {
      throw new LinkRefusal(AMQP_CONDITION.notImplemented, 'A chain of gateways is not supported')
    }
    const key = identityKey(identity)
    let client = this.#clients.get(key)
    if (client === undefined) this.#clients.set(key, (client = new AmqpClient(identity, this.#clientShare)))
    this.#owners.set(link, client)
    return client
  }

  #onLeft(client: AmqpClient): void {
    const key = identityKey(client.identity)
    if (this.#clients.get(key) === client) this.#clients.delete(key)
  }
}

const INCOMING_ROLES = { events: 'telemetry', twin: 'twin-requests', methods: 'method-answers' } as const
const OUTGOING_ROLES = {
  events: 'inputs',
  devicebound: 'commands',
  twin: 'twin-notices',
  methods: 'method-calls',
} as const

function notFound(): LinkRefusal {
  return new LinkRefusal(AMQP_CONDITION.notFound, 'There is nothing at this address')
}

/** Both termini must stand in the answer, and the settle modes be those that the peer asked for. */
function echo(link: Link): void {
  link.set_source(link.source ?? { address: '' })
  link.set_target(link.target ?? { address: '' })
  const { attach } = (link as Link & LinkInternals).local
  attach.snd_settle_mode = link.snd_settle_mode
  attach.rcv_settle_mode = link.rcv_settle_mode
}

/** What an attach leaves out may also come as null. */
function attachFacts({ properties }: Link): AttachFacts {
  const text = (name: string) => {
    const value: unknown = properties?.[name]
    return typeof value === 'string' ? value : undefined
  }
  return {
    correlation: text('com.microsoft:channel-correlation-id'),
    modelId: text('com.microsoft:model-id'),
    productInfo: text('com.microsoft:client-version'),
  }
}
