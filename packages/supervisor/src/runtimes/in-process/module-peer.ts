import {
  type ClientDelivery,
  type ClientPeer,
  describeError,
  type Logger,
  type MethodRequest,
  type MethodResponse,
  type SessionEnd,
  type TwinPatch,
} from '@edgewright/core'
import { Channel } from './channel.js'
import type { ModuleMethod, ReceivedMessage } from './module-context.js'

/** Desired changes that wait for a module that does not read them. */
const MAX_WAITING_CHANGES = 100

/** What comes from the hub for one run of a module, until the module takes it. The hub's window bounds the deliveries. */
export class ModulePeer implements ClientPeer {
  readonly transport = 'in-process'
  readonly #logger: Logger
  readonly #onClose: (end: SessionEnd) => void
  readonly #inputs = new Map<string, Channel<ClientDelivery>>()
  readonly #changes = new Channel<TwinPatch>()
  readonly #methods = new Map<string, ModuleMethod>()
  #ended = false

  constructor(logger: Logger, onClose: (end: SessionEnd) => void) {
    this.#logger = logger
    this.#onClose = onClose
  }

  deliver(deliveries: readonly ClientDelivery[]): void {
    for (const delivery of deliveries) {
      const taken = delivery.input !== undefined && this.#input(delivery.input).push(delivery)
      if (!taken) delivery.settle('abandoned')
    }
  }

  desired(patch: TwinPatch): void {
    if (this.#changes.length >= MAX_WAITING_CHANGES) this.#changes.shift()
    this.#changes.push(patch)
  }

  async method(request: MethodRequest, signal: AbortSignal): Promise<MethodResponse> {
    const handler = this.#methods.get(request.name)
    if (handler === undefined) return { status: 501, payload: `There is no method ${request.name}` }
    try {
      return await handler(request.payload, signal)
    } catch (error) {
      this.#logger.log('error', 'A method failed', { method: request.name, error })
      return { status: 500, payload: describeError(error) }
    }
  }

  close(end: SessionEnd): void {
    this.#onClose(end)
  }

  /** Answers a method from now on. */
  handle(name: string, handler: ModuleMethod): void {
    this.#methods.set(name, handler)
  }

  /** The messages of an input, each settled when the loop comes back for the next. */
  async *receive(input: string): AsyncGenerator<ReceivedMessage, void> {
    const channel = this.#input(input)
    for (let delivery = await channel.next(); delivery !== undefined; delivery = await channel.next()) {
      let settlement: 'completed' | 'abandoned' = 'abandoned'
      try {
        yield received(delivery)
        settlement = 'completed'
      } finally {
        delivery.settle(settlement)
      }
    }
  }

  /** The changes of the desired properties. */
  async *changes(): AsyncGenerator<TwinPatch, void> {
    for (let patch = await this.#changes.next(); patch !== undefined; patch = await this.#changes.next()) yield patch
  }

  /** Ends every loop and gives back what was not taken. */
  end(): void {
    this.#ended = true
    this.#changes.close()
    for (const channel of this.#inputs.values()) for (const delivery of channel.close()) delivery.settle('abandoned')
  }

  #input(name: string): Channel<ClientDelivery> {
    let channel = this.#inputs.get(name)
    if (channel === undefined) {
      this.#inputs.set(name, (channel = new Channel()))
      if (this.#ended) channel.close()
    }
    return channel
  }
}

function received(delivery: ClientDelivery): ReceivedMessage {
  const { message, redelivered } = delivery
  return {
    message,
    redelivered,
    json: () => JSON.parse(Buffer.from(message.body).toString()),
    settle: settlement => delivery.settle(settlement),
  }
}
