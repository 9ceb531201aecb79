import { once } from 'node:events'
import { createMessage, type Identity, type Message } from '@edgewright/core'
import {
  type AmqpMessage,
  encodeAmqpMessage,
  formatLinkAddress,
  putTokenReplyFromAmqp,
  putTokenToAmqp,
  Refusal,
  telemetryToAmqp,
} from '@edgewright/protocol'
import rhea, { type Connection, type EventContext, type Session } from 'rhea'
import type { TestEmulator } from './emulator.js'
import { identityToken, type TokenOptions } from './tokens.js'

/** What became of a delivery, or of a link: `accepted`, or the condition of an error. */
export type Verdict = string

/** A bare AMQP connection to an emulator, for what no SDK does. */
export class AmqpClient implements AsyncDisposable {
  readonly connection: Connection
  readonly #running: TestEmulator
  #isLost = false

  constructor(running: TestEmulator, options: Record<string, unknown> = {}) {
    const { emulator, ca } = running
    const container = rhea.create_container()
    container.on('error', () => undefined)
    this.#running = running
    this.connection = container.connect({
      transport: 'tls',
      host: emulator.address,
      port: emulator.ports.amqp,
      servername: '',
      ca,
      reconnect: false,
      tcp_no_delay: true,
      ...options,
    } as Parameters<typeof container.connect>[0])
    this.connection.setMaxListeners(0)
    this.connection.on('disconnected', () => (this.#isLost = true))
  }

  session(): Session {
    const session = this.connection.create_session()
    session.begin()
    return session
  }

  /** Puts a token and gives the status of the answer. */
  async putToken(session: Session, token: string): Promise<number> {
    const receiver = session.open_receiver({ source: { address: '$cbs' } })
    const sender = session.open_sender({ target: { address: '$cbs' } })
    const answer = once(receiver, 'message') as Promise<[EventContext]>
    await once(sender, 'sendable')
    sender.send(encodeAmqpMessage(putTokenToAmqp({ id: 'token-1', token, audience: 'any' })), undefined, 0)
    const [context] = await answer
    const reply = putTokenReplyFromAmqp(context.message as AmqpMessage)
    if (reply instanceof Refusal) throw new Error(reply.reason)
    return reply.status
  }

  /** A token of an identity. */
  token(identity: Identity, options?: TokenOptions): string {
    return identityToken(this.#running.emulator, identity, options)
  }

  /** Sends texts on a telemetry link of an identity, and waits for what becomes of the last. */
  send(session: Session, identity: Identity, texts: readonly string[]): Promise<Verdict> {
    return this.sendMessages(
      session,
      identity,
      texts.map(body => createMessage({ body })),
    )
  }

  /** Sends messages on a telemetry link of an identity, and waits for what becomes of the last. */
  sendMessages(session: Session, identity: Identity, messages: readonly Message[]): Promise<Verdict> {
    const payloads = messages.map(message => encodeAmqpMessage(telemetryToAmqp(message)))
    return this.sendRaw(session, formatLinkAddress('events', identity), payloads)
  }

  /** Sends payloads to any address, in a message format. */
  sendRaw(
    session: Session,
    address: string,
    payloads: readonly Buffer[],
    { format = 0, properties = {} }: { format?: number; properties?: Record<string, string> } = {},
  ): Promise<Verdict> {
    const sender = session.open_sender({ target: { address }, properties })
    return new Promise(resolve => {
      let sent = 0
      let settled = 0
      sender.on('sendable', () => {
        while (sent < payloads.length && sender.sendable()) sender.send(payloads[sent++] as Buffer, undefined, format)
      })
      sender.on('accepted', () => {
        if (++settled === payloads.length) resolve('accepted')
      })
      sender.on('rejected', ({ delivery }: EventContext) => resolve(delivery?.remote_state?.error.condition))
      sender.on('sender_error', () => resolve((sender.error as { condition: string }).condition))
      this.connection.once('disconnected', () => resolve('disconnected'))
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isLost || this.connection.is_closed()) return
    const closed = once(this.connection, 'connection_close')
    const lost = once(this.connection, 'disconnected')
    this.connection.close()
    await Promise.race([closed, lost])
  }
}
