import { type Identity, type IdentityKey, identityKey } from '@edgewright/core'
import type { AmqpConnection } from '../../amqp/connection.js'
import type { IncomingAttach, OutgoingAttach } from '../../amqp/links.js'
import { Outbox } from '../../amqp/outbox.js'
import type { Receiver, Sender } from '../../amqp/rhea.js'

/** Two links of one client that belong together: it asks on one and is answered on the other. */
export class Channel {
  readonly outbox = new Outbox()
  readonly connection: AmqpConnection
  /** What pairs the links, when the client says it. */
  readonly correlation: string | undefined
  incoming: Receiver | undefined
  outgoing: Sender | undefined

  constructor(connection: AmqpConnection, correlation: string | undefined) {
    this.connection = connection
    this.correlation = correlation
  }
}

/**
 * The channels of one kind, one per identity. A link of another connection, or with another correlation id, begins a
 * new channel and closes the links of the old one. Source: wire reference, section 3.4.
 */
export class Channels {
  readonly #channels = new Map<IdentityKey, Channel>()

  /** The channel a link belongs to, from its attach. */
  join(identity: Identity, attach: IncomingAttach | OutgoingAttach): Channel {
    const key = identityKey(identity)
    const id = attach.properties['com.microsoft:channel-correlation-id']
    const correlation = typeof id === 'string' ? id : undefined
    let channel = this.#channels.get(key)
    if (channel?.connection !== attach.connection || channel.correlation !== correlation) {
      if (channel !== undefined) close(channel)
      this.#channels.set(key, (channel = new Channel(attach.connection, correlation)))
    }
    if (attach.direction === 'to-hub') channel.incoming = replace(channel, channel.incoming, attach.receiver)
    else channel.outgoing = replace(channel, channel.outgoing, attach.sender)
    return channel
  }

  /** A link of a channel has closed. */
  leave(identity: Identity, channel: Channel, link: Receiver | Sender): void {
    if (channel.incoming === link) channel.incoming = undefined
    if (channel.outgoing === link) channel.outgoing = undefined
    const isEmpty = channel.incoming === undefined && channel.outgoing === undefined
    if (isEmpty && this.#channels.get(identityKey(identity)) === channel) this.#channels.delete(identityKey(identity))
  }
}

const STOLEN = { condition: 'amqp:link:stolen', description: 'A newer link took over' }

function replace<Link extends Receiver | Sender>(channel: Channel, before: Link | undefined, link: Link): Link {
  if (before !== undefined) channel.connection.closeLink(before, STOLEN)
  return link
}

function close(channel: Channel): void {
  if (channel.incoming !== undefined) channel.connection.closeLink(channel.incoming, STOLEN)
  if (channel.outgoing !== undefined) channel.connection.closeLink(channel.outgoing, STOLEN)
}
