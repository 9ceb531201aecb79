import { once } from 'node:events'
import type { Identity } from '@edgewright/core'
import { createSasToken, formatSasAudience } from '@edgewright/protocol'
import rhea, { type Connection, type EventContext, type Message, type Receiver, type Sender } from 'rhea'
import { HUB_HOST, KEY } from './memory-host.js'

/** A token that is good, unless told otherwise. */
export function token(identity: Identity, { key = KEY, expiresAt = Date.now() + 3_600_000 } = {}): string {
  return createSasToken({ resource: formatSasAudience(HUB_HOST, identity), key, expiresAt })
}

/** A peer that speaks AMQP as it is told. */
export class RawAmqpClient {
  readonly connection: Connection
  readonly errors: unknown[] = []
  #cbs: Promise<{ readonly requests: Sender; readonly replies: Receiver }> | undefined

  private constructor(connection: Connection) {
    this.connection = connection
    for (const event of ['error', 'connection_error', 'protocol_error', 'disconnected', 'session_error'] as const) {
      connection.on(event, (context: unknown) => this.errors.push(context))
    }
    // What nobody else listens to must not end the process.
    for (const event of ['sender_error', 'receiver_error', 'sender_close', 'receiver_close'] as const) {
      connection.on(event, () => undefined)
    }
  }

  static async to(port: number, options: object = {}): Promise<RawAmqpClient> {
    const container = rhea.create_container()
    const connection = container.connect({ host: '127.0.0.1', port, reconnect: false, ...options } as never)
    const client = new RawAmqpClient(connection)
    await Promise.race([
      once(connection, 'connection_open'),
      once(connection, 'disconnected').then(() => Promise.reject(new Error('not let in'))),
    ])
    return client
  }

  /** Puts a token. @returns the answer */
  async putToken(text: string, id: unknown = 'token-1'): Promise<Message> {
    this.#cbs ??= this.#openCbs()
    const { requests, replies } = await this.#cbs
    const answer = once(replies, 'message')
    requests.send({
      message_id: id as string,
      to: '$cbs',
      reply_to: 'cbs',
      application_properties: { operation: 'put-token', type: 'servicebus.windows.net:sastoken', name: 'x' },
      body: text,
    })
    return ((await answer)[0] as EventContext).message as Message
  }

  async login(identity: Identity, options?: Parameters<typeof token>[1]): Promise<void> {
    const { application_properties: answer } = await this.putToken(token(identity, options))
    if (answer?.['status-code'] !== 200) throw new Error(`refused: ${JSON.stringify(answer)}`)
  }

  /** A link to send on, once it has credit. */
  async sender(address: string, options: object = {}): Promise<Sender> {
    const sender = this.connection.open_sender({ target: { address }, ...options } as never)
    const refused = await Promise.race([once(sender, 'sendable').then(() => undefined), ending(sender, 'sender')])
    if (refused !== undefined) throw Object.assign(new Error(refused), { condition: refused })
    return sender
  }

  /** A link to receive on, once it is attached. */
  async receiver(address: string, options: object = {}): Promise<Receiver> {
    const receiver = this.connection.open_receiver({ source: { address }, autoaccept: false, ...options } as never)
    await once(receiver, 'receiver_open')
    return receiver
  }

  /** Resolves when the connection is gone. */
  async closed(): Promise<void> {
    while (!this.errors.some(error => (error as { type?: string }).type === 'gone') && this.connection.is_open()) {
      await once(this.connection, 'disconnected').then(() => this.errors.push({ type: 'gone' }))
    }
  }

  destroy(): void {
    ;(this.connection as unknown as { socket: { destroy(): void } }).socket.destroy()
  }

  async #openCbs() {
    const requests = this.connection.open_sender('$cbs')
    const replies = this.connection.open_receiver('$cbs')
    await Promise.all([once(requests, 'sendable'), once(replies, 'receiver_open')])
    return { requests, replies }
  }
}

/** Resolves with the condition with which the peer closes a link. */
export async function ending(link: Sender | Receiver, role: 'sender' | 'receiver'): Promise<string> {
  await once(link, `${role}_error`)
  return ((link.error ?? {}) as { condition?: string }).condition ?? 'none'
}

/** Sends, and resolves with the outcome: `accepted`, or the condition of the rejection. */
export function outcome(sender: Sender, message: unknown, format?: number): Promise<string> {
  const delivery = sender.send(message as Message, undefined as never, format)
  return new Promise(resolve => {
    sender.on('accepted', (context: EventContext) => context.delivery === delivery && resolve('accepted'))
    sender.on('rejected', (context: EventContext) => {
      if (context.delivery !== delivery) return
      resolve((delivery.remote_state as { error?: { condition: string } }).error?.condition ?? 'no error')
    })
  })
}
