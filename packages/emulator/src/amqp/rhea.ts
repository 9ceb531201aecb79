import type { AmqpMessage } from '@edgewright/protocol'
import rhea, {
  type AmqpError,
  type Connection,
  type ConnectionOptions,
  type Container,
  type Delivery,
  type EventContext,
  type Receiver,
  type Sender,
  type Session,
} from 'rhea'

export type { AmqpError, Connection, Container, Delivery, EventContext, Receiver, Sender, Session }

/** A link as it is at run time: the library's declarations leave these members out. */
export interface LinkInternals {
  /** What will be answered to the peer's attach; may be filled in while the open event is handled. */
  readonly local: {
    readonly attach: {
      snd_settle_mode?: number
      rcv_settle_mode?: number
      max_message_size?: number
      properties?: unknown
      offered_capabilities?: unknown
    }
  }
  /** Credit that the library has not used yet; it counts a send only in the next turn of the event loop. */
  readonly credit: number
  /** Deliveries that have left. */
  readonly delivery_count: number
}

/** A delivery as it is at run time. */
export type WritableDelivery = { -readonly [Name in keyof Delivery]: Delivery[Name] }

/** Makes the outcomes of deliveries; the library's declarations leave them out. */
interface Outcomes {
  accepted(): { described(): unknown }
  released(): { described(): unknown }
  modified(fields: object): { described(): unknown }
  rejected(fields: { readonly error?: AmqpError }): { described(): unknown }
}

/** The library's message codec and the factories of outcomes. */
export const messages = rhea.message as typeof rhea.message & Outcomes

/** The library's AMQP types, for values whose type on the wire matters. */
export const { types } = rhea

/** A container of its own for one connection, so that mechanisms and events are that connection's alone. */
export function createContainer(): Container {
  return rhea.create_container()
}

/** A connection that is to accept a socket: the library's declarations want an address to dial. */
export function createConnection(container: Container, options: object): Connection {
  return container.create_connection(options as ConnectionOptions)
}

/** A message of format 0. Throws what the library throws when the bytes are none. */
export function decodeMessage(bytes: Uint8Array): AmqpMessage {
  return messages.decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)) as AmqpMessage
}

/** Encodes a message from the library's own typed values: for sections and types that no codec of ours writes. */
export function encodeRheaMessage(message: Readonly<Record<string, unknown>>): Buffer {
  return messages.encode(message)
}
