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

// What the library's declarations leave out stands here, and nowhere else.

export type { AmqpError, Connection, Container, Delivery, EventContext, Receiver, Sender, Session }

/** A link of either direction. */
export type Link = Receiver | Sender

/** Members of a link that the declarations lack. */
export interface LinkInternals {
  /** The answer to the peer's attach; may be changed while the open event is handled. */
  readonly local: { readonly attach: { snd_settle_mode?: unknown; rcv_settle_mode?: unknown } }
  /** Credit as the library knows it; it counts what was sent a turn of the event loop later. */
  credit: number
  /** Deliveries that have left. */
  delivery_count: number
  /** A delivery of which more frames are to come. */
  readonly _incomplete?: { readonly frames: readonly Uint8Array[] } | undefined
}

/** A disposition frame, as a session gets it. */
interface DispositionFrame {
  readonly performative: { readonly first: number; readonly last?: number | undefined }
}

/** An attach frame, as a session gets it; the role is true of a peer that receives. */
interface AttachFrame {
  readonly performative: { readonly name: string; readonly role: boolean; readonly handle: number }
}

type AttachedLink = Link & {
  readonly name: string
  readonly local: { readonly handle: number }
  readonly remote: { readonly handle: number; attach: unknown }
  on_attach(frame: AttachFrame): void
}

interface SessionInternals {
  readonly links: Record<string, AttachedLink>
  readonly local: { readonly handles: Record<number, AttachedLink> }
  readonly remote: { readonly handles: Record<number, AttachedLink> }
  create_sender(name: string): AttachedLink
  create_receiver(name: string): AttachedLink
  on_attach(frame: AttachFrame): void
  remove_link(link: AttachedLink): void
}

interface Outcomes {
  accepted(): { described(): unknown }
  released(): { described(): unknown }
  rejected(fields: { readonly error?: AmqpError | undefined }): { described(): unknown }
}

const outcomes = rhea.message as unknown as Outcomes

/** The outcome of a delivery that was taken. */
export const ACCEPTED = outcomes.accepted().described()
/** The outcome of a delivery that may be given again. */
export const RELEASED = outcomes.released().described()

/** The outcome of a delivery that was refused. */
export function rejected(error: AmqpError): unknown {
  return outcomes.rejected({ error }).described()
}

/**
 * Settles a delivery.
 *
 * The library folds the dispositions of one turn into ranges and looks at the outcome only from the third delivery of a
 * range on, so that a refusal right after an acceptance would leave as accepted; what it does compare is `settled`. Any
 * truthy value is true on the wire: every delivery that was not accepted gets one of its own.
 */
export function settle(delivery: Delivery, outcome: unknown): void {
  delivery.update((outcome === ACCEPTED ? true : delivery.id + 2) as boolean, outcome as never)
}

/** What the peer has said of a delivery, though the library may not have told yet: it does so a turn later. */
export function saidOf(delivery: Delivery): string | undefined {
  const { remote_state: said } = delivery as { remote_state?: { constructor: { composite_type?: string } } }
  return said?.constructor.composite_type
}

/** Reads a message of format 0. Throws what the library throws when the bytes are none. */
export function decodeMessage(bytes: Uint8Array): AmqpMessage {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return rhea.message.decode(buffer as never) as unknown as AmqpMessage
}

/** A container of its own for one connection, so that mechanisms and events are that connection's alone. */
export function createConnection(options: object): { readonly container: Container; readonly connection: Connection } {
  boundCounts()
  const container = rhea.create_container()
  return { container, connection: container.create_connection(options as ConnectionOptions) }
}

/**
 * Sees that a disposition does not name more deliveries than can be open: the library looks at each of up to 2³² in turn.
 *
 * @throws from within the library's reading, which ends the connection
 */
export function boundDispositions(session: Session, most: number): void {
  const target = session as unknown as { on_disposition(frame: DispositionFrame): void }
  const proceed = target.on_disposition
  target.on_disposition = function bounded(this: unknown, frame: DispositionFrame) {
    const { first, last } = frame.performative
    if (typeof last === 'number' && last - first > most) throw new Error('a disposition of more than can be open')
    proceed.call(this, frame)
  }
}

/**
 * Sees that a peer may have a link of one name in each direction, as Qpid Proton does: a link's name is unique among those
 * of its direction (AMQP 1.0, section 2.6.1), but the library knows one link of a name.
 */
export function tellDirectionsApart(session: Session): void {
  const target = session as unknown as SessionInternals
  const { links, local, remote } = target
  target.on_attach = frame => {
    const { name, role, handle } = frame.performative
    const link = (links[linkKey(name, role)] ??= createLink(target, name, role))
    remote.handles[handle] = link
    link.on_attach(frame)
    link.remote.attach = frame.performative
  }
  target.remove_link = link => {
    delete remote.handles[link.remote.handle]
    delete local.handles[link.local.handle]
    delete links[linkKey(link.name, link.is_sender())]
  }
}

function linkKey(name: string, isSender: boolean): string {
  return `${isSender ? 'sender' : 'receiver'} ${name}`
}

/** The library files a new link under its name alone; what stood there is put back. */
function createLink(session: SessionInternals, name: string, isSender: boolean): AttachedLink {
  const filed = session.links[name]
  const link = isSender ? session.create_sender(name) : session.create_receiver(name)
  if (filed === undefined) delete session.links[name]
  else session.links[name] = filed
  return link
}

interface ReaderPrototype {
  remaining(): number
  read_n(this: ReaderPrototype, count: number): unknown[]
  read_array_items(this: ReaderPrototype, count: number, type: unknown): unknown[]
}

let areCountsBounded = false

/**
 * Sees that lists, maps and arrays do not claim more elements than their bytes can hold: the library makes room for as
 * many as the peer says, and elements of an array may take no bytes at all.
 */
function boundCounts(): void {
  if (areCountsBounded) return
  areCountsBounded = true
  const { prototype } = (rhea.types as unknown as { Reader: { prototype: ReaderPrototype } }).Reader
  const { read_n, read_array_items } = prototype
  prototype.read_n = function bounded(count) {
    if (count > this.remaining()) throw new Error('a list of more elements than bytes')
    return read_n.call(this, count)
  }
  prototype.read_array_items = function bounded(count, type) {
    if (count > this.remaining() + MAX_EMPTY_ELEMENTS) throw new Error('an array of more elements than bytes')
    return read_array_items.call(this, count, type)
  }
}

/** Elements without bytes that an array may have. */
const MAX_EMPTY_ELEMENTS = 1_024
