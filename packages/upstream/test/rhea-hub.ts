import { once } from 'node:events'
import type { AddressInfo, Socket, Server } from 'node:net'
import { createServer as createHttpsServer } from 'node:https'
import type { Duplex } from 'node:stream'
import { createServer, type TLSSocket } from 'node:tls'
import { type Identity, identityKey, type Message } from '@edgewright/core'
import {
  AMQP_BATCH_FORMAT,
  type AmqpMessage,
  decodeAmqpBatch,
  encodeAmqpMessage,
  parseLinkAddress,
  parseSasAudience,
  parseSasToken,
  putTokenFromAmqp,
  putTokenReplyToAmqp,
  Refusal,
  telemetryFromAmqp,
  type WritableAmqpMessage,
} from '@edgewright/protocol'
import { testCertificates } from '@edgewright/testkit'
import { settle } from '../src/amqp/settle.js'
import { createWebSocketStream, WebSocketServer } from 'ws'
import rhea, { type Connection, type EventContext, type Sender } from 'rhea'

/** What the hub makes of a message: undefined to accept it. */
export type Verdict = { readonly condition: string; readonly description?: string } | 'released' | 'hold' | undefined

/** What a test may change of the hub's behaviour, at any time. */
export interface HubBehaviour {
  /** Status of a put-token. @default 200 */
  token: (identity: Identity) => number
  message: (sender: Identity, message: Message) => Verdict
  /** Condition to refuse a link with. */
  attach: (identity: Identity, kind: string) => string | undefined
  /** Credit granted to telemetry links. */
  credit: number
}

export interface Arrival {
  readonly sender: string
  readonly message: Message
}

const CERTIFICATES = testCertificates({ ipAddresses: ['127.0.0.1'] })

/** A hub of a few lines, over the other implementation of AMQP: what upstream is tested against. */
export class RheaHub {
  readonly certificates = CERTIFICATES
  readonly behaviour: HubBehaviour = {
    token: () => 200,
    message: () => undefined,
    attach: () => undefined,
    credit: 100,
  }
  readonly arrivals: Arrival[] = []
  /** Tokens put so far, by identity. */
  readonly tokens = new Map<string, string[]>()
  /** Deliveries that are held, to be settled by the test. */
  readonly held: { readonly messages: readonly Message[]; accept(): void }[] = []
  /** Open links by kind and identity; those the hub sends on. */
  readonly senders = new Map<string, Sender>()
  readonly onLinkMessage = new Map<
    string,
    (message: AmqpMessage, reply: (message: WritableAmqpMessage) => void) => void
  >()
  connections = 0
  /** Subprotocols of the WebSockets so far. */
  readonly webSockets: string[] = []
  /** Deliveries of telemetry so far. */
  transfers = 0
  /** What the last client asked for in its OPEN, in milliseconds. */
  idleTimeOut: number | undefined
  #server: Server | undefined
  #webSocketServer: Server | undefined
  #waiters: (() => void)[] = []
  readonly sockets = new Set<TLSSocket>()
  readonly rawSockets = new Set<Socket>()

  get port(): number {
    return (this.#server!.address() as AddressInfo).port
  }

  async listen(port = 0): Promise<void> {
    const { cert, key } = this.certificates
    const server = createServer({ cert, key }, socket => this.#accept(socket))
    server.on('connection', (socket: Socket) => {
      this.rawSockets.add(socket)
      socket.on('close', () => this.rawSockets.delete(socket)).on('error', () => undefined)
    })
    server.on('tlsClientError', () => undefined)
    this.#server = server
    await once(server.listen(port, '127.0.0.1'), 'listening')
  }

  /** Listens for WebSockets too, on a port of their own. */
  async listenForWebSockets(): Promise<number> {
    const { cert, key } = this.certificates
    const server = createHttpsServer({ cert, key })
    const webSockets = new WebSocketServer({ server, path: '/$iothub/websocket' })
    webSockets.on('connection', socket => {
      this.webSockets.push(socket.protocol)
      this.#serve(createWebSocketStream(socket))
    })
    server.on('connection', (socket: Socket) => {
      this.rawSockets.add(socket)
      socket.on('close', () => this.rawSockets.delete(socket)).on('error', () => undefined)
    })
    this.#webSocketServer = server
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return (server.address() as AddressInfo).port
  }

  /** No longer listens on its port; what is connected stays. */
  deafen(): Promise<void> {
    const server = this.#server!
    this.#server = undefined
    return new Promise(resolve => server.close(() => resolve()))
  }

  /** Cuts every connection. */
  cut(): void {
    for (const socket of this.rawSockets) socket.resetAndDestroy()
  }

  async close(): Promise<void> {
    this.cut()
    const servers = [this.#server, this.#webSocketServer].filter(server => server !== undefined)
    await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
  }

  /** Resolves when a condition holds; looked at whenever something arrives. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>(resolve => this.#waiters.push(resolve))
  }

  changed(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) waiter()
  }

  #accept(socket: TLSSocket): void {
    this.sockets.add(socket.setNoDelay(true))
    socket.on('close', () => {
      this.sockets.delete(socket)
      this.changed()
    })
    this.#serve(socket)
  }

  #serve(socket: Duplex): void {
    this.connections += 1
    const container = rhea.create_container({
      receiver_options: { credit_window: 0, autoaccept: false, autosettle: false, max_message_size: 262_144 },
      sender_options: { autosettle: true, treat_modified_as_released: false },
    })
    const allowed = new Set<string>()
    const replies = new Map<unknown, Sender>()
    const connection = container.create_connection({ idle_time_out: 240_000, max_frame_size: 65_536 } as never)
    for (const event of [
      'error',
      'protocol_error',
      'disconnected',
      'connection_error',
      'session_error',
      'sender_error',
    ]) {
      connection.on(event, () => undefined)
    }
    for (const event of ['receiver_error', 'session_close', 'receiver_close', 'sender_close'])
      connection.on(event, () => this.changed())
    connection.on('connection_open', () => {
      this.idleTimeOut = connection.idle_time_out
    })
    connection.on('sender_flow', () => this.changed())
    connection.on('sender_open', (context: EventContext) => {
      const sender = context.sender!
      sender.set_source(sender.source)
      const address = parseLinkAddress(sender.source.address)
      if (address instanceof Refusal || address.kind === 'feedback')
        return sender.close({ condition: 'amqp:not-found' })
      if (address.kind === 'cbs') return void replies.set(context.session, sender)
      if (!this.#mayAttach(allowed, address.identity, address.kind, sender)) return
      this.senders.set(`${address.kind} ${identityKey(address.identity)}`, sender)
      this.changed()
    })
    connection.on('receiver_open', (context: EventContext) => {
      const receiver = context.receiver!
      receiver.set_target(receiver.target)
      const address = parseLinkAddress(receiver.target.address)
      if (address instanceof Refusal || address.kind === 'feedback')
        return receiver.close({ condition: 'amqp:not-found' })
      if (address.kind === 'cbs') {
        receiver.add_credit(100)
        return void receiver.on('message', (message: EventContext) => {
          message.delivery!.accept()
          receiver.add_credit(1)
          this.#token(message.message as AmqpMessage, allowed, replies.get(context.session)!)
        })
      }
      const { identity, kind } = address
      if (!this.#mayAttach(allowed, identity, kind, receiver)) return
      receiver.add_credit(this.behaviour.credit)
      receiver.on('message', (message: EventContext) => {
        receiver.add_credit(1)
        if (kind === 'events') return this.#telemetry(identity, message)
        message.delivery!.accept()
        const partner = this.senders.get(`${kind} ${identityKey(identity)}`)
        const reply = (answer: WritableAmqpMessage) => void partner?.send(encodeAmqpMessage(answer), undefined, 0)
        this.onLinkMessage.get(kind)?.(message.message as AmqpMessage, reply)
        this.changed()
      })
      this.changed()
    })
    ;(connection as Connection & { accept(socket: Duplex): void }).accept(socket)
  }

  #mayAttach(
    allowed: ReadonlySet<string>,
    identity: Identity,
    kind: string,
    link: { close(error: object): void },
  ): boolean {
    const condition = allowed.has(identityKey(identity))
      ? this.behaviour.attach(identity, kind)
      : 'amqp:unauthorized-access'
    if (condition !== undefined) link.close({ condition, description: 'refused by the test' })
    return condition === undefined
  }

  #token(message: AmqpMessage, allowed: Set<string>, reply: Sender): void {
    const request = putTokenFromAmqp(message)
    if (request instanceof Refusal) throw new Error(request.reason)
    const token = parseSasToken(request.token)
    const audience = token instanceof Refusal ? token : parseSasAudience(token.resource)
    if (audience instanceof Refusal || audience.identity === undefined) throw new Error('a token of no identity')
    const key = identityKey(audience.identity)
    const status = this.behaviour.token(audience.identity)
    if (status === 200) allowed.add(key)
    this.tokens.set(key, [...(this.tokens.get(key) ?? []), request.token])
    reply.send(
      encodeAmqpMessage(putTokenReplyToAmqp({ id: request.id, status, description: 'by the test' })),
      undefined,
      0,
    )
    this.changed()
  }

  /** One message, or several that share an outcome: the first verdict among them that is one. */
  #telemetry(sender: Identity, context: EventContext & { readonly format?: number }): void {
    const parts =
      context.format === AMQP_BATCH_FORMAT ? decodeAmqpBatch(context.message as unknown as Buffer) : undefined
    if (parts instanceof Refusal) throw new Error(parts.reason)
    const wire = parts?.map(part => rhea.message.decode(part as Buffer)) ?? [context.message]
    const messages = wire.map(part => telemetryFromAmqp(part as AmqpMessage)).filter(isMessage)
    const verdict = messages
      .map(message => this.behaviour.message(sender, message))
      .find(verdict => verdict !== undefined)
    const delivery = context.delivery!
    this.transfers += 1
    const accept = () => {
      for (const message of messages) this.arrivals.push({ sender: identityKey(sender), message })
      settle(delivery, 'completed')
    }
    if (verdict === undefined) accept()
    else if (verdict === 'released') settle(delivery, 'abandoned')
    else if (verdict === 'hold') this.held.push({ messages, accept })
    else settle(delivery, 'rejected', verdict)
    this.changed()
  }
}

function isMessage(value: Message | Refusal): value is Message {
  return !(value instanceof Refusal)
}
