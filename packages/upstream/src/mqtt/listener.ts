import type { CloudHandlers, Subscription } from '@edgewright/core'
import {
  type CommandTopic,
  type DesiredTopic,
  formatClientTopic,
  formatSubscriptionFilter,
  type HubTopic,
  type MethodRequestTopic,
} from '@edgewright/protocol'
import type { IPublishPacket } from 'mqtt-packet'
import { answerMethod, noMethods } from '../method-call.js'
import { parseDesiredPatch } from '../twin-document.js'
import { CommandQueue } from './command-queue.js'
import type { SessionHost } from './session-host.js'

/** What the hub sends to one identity of its own accord. */
export class MqttListener {
  readonly #host: SessionHost
  readonly #commands: CommandQueue
  readonly #subscribed = new Set<Subscription>()
  readonly #gone = new AbortController()
  #handlers: CloudHandlers = {}

  constructor(host: SessionHost) {
    this.#host = host
    this.#commands = new CommandQueue(host.connection)
    void host.connection.lost.then(failure => this.#gone.abort(failure))
  }

  /** Listens for what has a handler, and for nothing else. @throws as `CloudSession` */
  async serve(handlers: CloudHandlers): Promise<void> {
    this.#handlers = handlers
    await this.#subscribe('desired', handlers.desired !== undefined)
    await this.#subscribe('methods', handlers.method !== undefined)
    await this.#subscribe('commands', handlers.command !== undefined)
  }

  /** A message of the hub's, other than an answer. */
  received(topic: HubTopic, packet: IPublishPacket): void {
    const body = packet.payload as Buffer
    if (topic.kind === 'command') {
      this.#command(topic, body, packet)
      return
    }
    if (packet.qos > 0) this.#host.connection.acknowledge(packet.messageId!)
    if (topic.kind === 'method-request') void this.#method(topic, body)
    else if (topic.kind === 'desired') this.#desired(topic, body)
  }

  #desired({ version }: DesiredTopic, body: Buffer): void {
    this.#host.traffic.count('twin', 'in', body.byteLength)
    const patch = parseDesiredPatch(body, version)
    if (patch !== undefined) this.#handlers.desired?.(patch)
  }

  #command({ properties, system }: CommandTopic, body: Buffer, { qos, messageId }: IPublishPacket): void {
    this.#host.traffic.count('command', 'in', body.byteLength)
    const settle = qos > 0 ? this.#commands.add(messageId!) : () => undefined
    if (this.#handlers.command === undefined) settle('abandoned')
    else this.#handlers.command({ message: { body, properties, system }, settle })
  }

  async #method({ name, requestId }: MethodRequestTopic, body: Buffer): Promise<void> {
    const { identity, context, connection, traffic } = this.#host
    const { signal } = this.#gone
    traffic.count('method', 'in', body.byteLength)
    const call = { identity, name, body, signal, logger: context.logger }
    const answer = await answerMethod(call, this.#handlers.method ?? noMethods)
    if (signal.aborted) return
    const topic = formatClientTopic({ kind: 'method-response', requestId, status: answer.status })
    traffic.count('method', 'out', connection.publish(topic, answer.body))
  }

  async #subscribe(subscription: Subscription, wanted: boolean): Promise<void> {
    if (wanted === this.#subscribed.has(subscription)) return
    const { connection, identity } = this.#host
    const filter = formatSubscriptionFilter(subscription, identity)
    if (wanted) {
      await connection.subscribe(filter)
      this.#subscribed.add(subscription)
    } else {
      await connection.unsubscribe(filter)
      this.#subscribed.delete(subscription)
    }
  }
}
