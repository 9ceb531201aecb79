import {
  ACCEPTED,
  type ClientPeer,
  type CloudDelivery,
  type DeliveryOutcome,
  EdgewrightError,
  type HubSession,
  type Identity,
  type JsonObject,
  type Message,
  type MessageSource,
  type MethodRequest,
  type MethodResponse,
  type QueuedMessage,
  reject,
  retry,
  type SendRefusal,
  type SessionEnd,
  type SessionOptions,
  type Settlement,
  type Subscription,
  type Twin,
  type TwinPatch,
} from '@edgewright/core'
import type { Ingest, IngestSender } from '../delivery/ingest.js'
import type { InputReceiver } from '../delivery/input-endpoint.js'
import type { SenderStamp } from '../delivery/message-stamp.js'
import type { TwinKeeper } from '../twins/twin-keeper.js'

/** What a session works with. */
export interface SessionComponents {
  readonly ingest: Ingest
  readonly twins: TwinKeeper
  readonly stamp: SenderStamp
  /** Told after each change of the subscriptions; its promise holds the client's confirmation back. */
  readonly onSubscriptions: (session: ClientSession) => Promise<void>
  /** Told once, when the session has ended. */
  readonly onEnd: (session: ClientSession, end: SessionEnd) => void
}

/** Distinct outputs of one session that are remembered. */
const MAX_SOURCES = 256

/** One authenticated client, whatever protocol it speaks. */
export class ClientSession implements HubSession, InputReceiver, IngestSender {
  readonly identity: Identity
  readonly persistent: boolean
  readonly stamp: SenderStamp
  readonly queues: IngestSender['queues'] = new Map()
  readonly #parts: SessionComponents
  readonly #peer: ClientPeer
  readonly #subscriptions: Set<Subscription>
  readonly #sources = new Map<string | undefined, MessageSource>()
  #hasEnded = false
  /** Made when something waits for the end: most sessions are idle, and many. */
  #end: AbortController | undefined

  constructor(options: SessionOptions, parts: SessionComponents, restored: Iterable<Subscription>) {
    this.identity = options.identity
    this.persistent = options.persistent
    this.#peer = options.peer
    this.#parts = parts
    this.stamp = parts.stamp
    this.#subscriptions = new Set(restored)
  }

  /** How the client is connected. */
  get transport(): string {
    return this.#peer.transport
  }

  get subscriptions(): ReadonlySet<Subscription> {
    return this.#subscriptions
  }

  get ended(): boolean {
    return this.#hasEnded
  }

  /** Aborted when the session ends. */
  get endedSignal(): AbortSignal {
    if (this.#end === undefined) {
      this.#end = new AbortController()
      if (this.#hasEnded) this.#end.abort(sessionEnded())
    }
    return this.#end.signal
  }

  send(batch: readonly Message[]): Promise<readonly SendRefusal[]> {
    if (this.ended) return Promise.resolve(batch.map((_, index) => ({ index, error: sessionEnded() })))
    return this.#parts.ingest.accept(this, batch)
  }

  /** Where a message of this client enters the route table. */
  sourceOf({ system: { outputName: output } }: Message): MessageSource {
    let source = this.#sources.get(output)
    if (source === undefined) {
      source = { kind: 'telemetry', moduleId: this.identity.moduleId, output }
      if (this.#sources.size < MAX_SOURCES) this.#sources.set(output, source)
    }
    return source
  }

  async subscribe(subscription: Subscription): Promise<void> {
    if (this.ended || this.#subscriptions.has(subscription)) return
    this.#subscriptions.add(subscription)
    await this.#parts.onSubscriptions(this)
  }

  async unsubscribe(subscription: Subscription): Promise<void> {
    if (this.ended || !this.#subscriptions.delete(subscription)) return
    await this.#parts.onSubscriptions(this)
  }

  getTwin(signal?: AbortSignal): Promise<Twin> {
    return this.#parts.twins.get(this.identity, signal)
  }

  report(patch: JsonObject): Promise<number | undefined> {
    return this.#parts.twins.report(this.identity, patch)
  }

  close(end: SessionEnd): void {
    if (this.ended) return
    this.#hasEnded = true
    this.#end?.abort(new Error(end.kind))
    if (end.kind !== 'client-left') this.#peer.close(end)
    this.#parts.onEnd(this, end)
  }

  /** Hands messages to the module; those without a settlement when the session or the delivery ends come back. */
  deliverInputs(
    input: string,
    batch: readonly QueuedMessage[],
    signal: AbortSignal,
  ): Promise<readonly DeliveryOutcome[]> {
    return new Promise(resolve => {
      const outcomes: DeliveryOutcome[] = new Array(batch.length)
      let open = batch.length
      const finish = () => {
        signal.removeEventListener('abort', finish)
        this.endedSignal.removeEventListener('abort', finish)
        open = -1
        for (let i = 0; i < outcomes.length; i++) outcomes[i] ??= retry('not settled')
        resolve(outcomes)
      }
      if (signal.aborted || this.ended) return finish()
      signal.addEventListener('abort', finish)
      this.endedSignal.addEventListener('abort', finish)
      this.#peer.deliver(
        batch.map(({ message, redelivered }, index) => ({
          message,
          input,
          redelivered,
          settle: (settlement: Settlement) => {
            if (open <= 0 || outcomes[index] !== undefined) return
            outcomes[index] = outcomeOf(settlement)
            if (--open === 0) finish()
          },
        })),
      )
    })
  }

  /** Passes a cloud-to-device message on. What the client does not settle, the cloud gives again. */
  deliverCommand({ message, settle }: CloudDelivery): void {
    if (this.ended || !this.#subscriptions.has('commands')) settle('abandoned')
    else this.#peer.deliver([{ message, redelivered: (message.system.deliveryCount ?? 0) > 0, settle }])
  }

  /** Passes a change of desired properties on; returns whether the client is there to take it. */
  deliverDesired(patch: TwinPatch): boolean {
    if (this.ended || !this.#subscriptions.has('desired')) return false
    this.#peer.desired(patch)
    return true
  }

  /** @throws `METHOD_NO_CLIENT` when the client does not take methods, or leaves */
  async invoke(request: MethodRequest, signal: AbortSignal): Promise<MethodResponse> {
    if (this.ended || !this.#subscriptions.has('methods')) {
      throw new EdgewrightError('METHOD_NO_CLIENT', 'The client does not take methods now', {
        remedy: 'Try again when it is connected, or give a connect time-out.',
      })
    }
    return this.#peer.method(request, AbortSignal.any([signal, this.endedSignal]))
  }
}

function outcomeOf(settlement: Settlement): DeliveryOutcome {
  if (settlement === 'completed') return ACCEPTED
  return settlement === 'abandoned' ? retry('abandoned by the module') : reject('rejected by the module')
}

function sessionEnded(): EdgewrightError {
  return new EdgewrightError('SESSION_ENDED', 'This session has ended')
}
