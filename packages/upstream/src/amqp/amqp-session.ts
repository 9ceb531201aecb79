import type {
  CloudDelivery,
  CloudHandlers,
  DeliveryOutcome,
  Identity,
  JsonObject,
  Message,
  Twin,
} from '@edgewright/core'
import type { IdentitySession } from '../cloud-link.js'
import { offline } from '../errors.js'
import { noMethods } from '../method-call.js'
import { OnDemand } from '../on-demand.js'
import type { Pace } from '../pace.js'
import { CommandLink } from './command-link.js'
import type { AmqpContext } from './context.js'
import { LinkHost, type OnLinkClosed } from './link-host.js'
import { MethodLinks } from './method-links.js'
import { TelemetrySender } from './telemetry-sender.js'
import { TwinLinks } from './twin-links.js'

/** One identity's session over AMQP: each purpose has links of its own, opened when first wanted. */
export class AmqpSession implements IdentitySession {
  readonly retired: AbortSignal
  readonly ended: AbortSignal
  readonly #host: LinkHost
  readonly #telemetry: OnDemand<TelemetrySender>
  readonly #twin: OnDemand<TwinLinks>
  readonly #methods: OnDemand<MethodLinks>
  readonly #commands: OnDemand<CommandLink>
  #handlers: CloudHandlers = {}
  #isSubscribed = false
  #onDeaf: () => void = () => undefined

  private constructor(host: LinkHost, pace: Pace) {
    const deaf = () => this.#onDeaf()
    const unsubscribed = () => {
      this.#isSubscribed = false
      this.#onDeaf()
    }
    this.#host = host
    this.ended = host.ended
    this.retired = host.ended
    this.#telemetry = this.#onDemand(onClosed => openTelemetry(host, pace, onClosed))
    this.#twin = this.#onDemand(
      onClosed => TwinLinks.open(host, patch => this.#handlers.desired?.(patch), onClosed),
      unsubscribed,
    )
    this.#methods = this.#onDemand(
      onClosed => MethodLinks.open(host, async (...call) => (this.#handlers.method ?? noMethods)(...call), onClosed),
      deaf,
    )
    this.#commands = this.#onDemand(
      onClosed => CommandLink.open(host, delivery => (this.#handlers.command ?? putBack)(delivery), onClosed),
      deaf,
    )
  }

  /** @throws as `CloudSession` */
  static async open(context: AmqpContext, identity: Identity, pace: Pace): Promise<AmqpSession> {
    return new AmqpSession(await LinkHost.open(context, identity), pace)
  }

  async send(messages: readonly Message[], signal?: AbortSignal): Promise<readonly DeliveryOutcome[]> {
    return (await this.#telemetry.get()).send(messages, signal)
  }

  async getTwin(signal?: AbortSignal): Promise<Twin> {
    return (await this.#twin.get()).get(signal)
  }

  async report(patch: JsonObject, signal?: AbortSignal): Promise<number> {
    return (await this.#twin.get()).report(patch, signal)
  }

  async serve(handlers: CloudHandlers, onDeaf: () => void): Promise<void> {
    this.#handlers = handlers
    this.#onDeaf = onDeaf
    await Promise.all([
      this.#subscribe(handlers.desired !== undefined),
      keepOpen(this.#methods, handlers.method !== undefined),
      keepOpen(this.#commands, handlers.command !== undefined),
    ])
  }

  close(): void {
    this.#host.end(offline('the identity was closed'))
  }

  #onDemand<T>(open: (onClosed: OnLinkClosed) => Promise<T>, onLost: () => void = () => undefined): OnDemand<T> {
    const { clock, random, tuning } = this.#host.context
    const onClosed: OnLinkClosed = error => {
      links.failed(error)
      onLost()
    }
    const links: OnDemand<T> = new OnDemand(() => open(onClosed), { clock, random, backoff: tuning.identityRetry })
    return links
  }

  async #subscribe(wanted: boolean): Promise<void> {
    if (wanted === this.#isSubscribed) return
    this.#isSubscribed = wanted
    try {
      await (await this.#twin.get()).subscribe(wanted)
    } catch (error) {
      this.#isSubscribed = !wanted
      throw error
    }
  }
}

async function openTelemetry(host: LinkHost, pace: Pace, onClosed: OnLinkClosed): Promise<TelemetrySender> {
  const link = await host.attachSender('events', { snd_settle_mode: 0, rcv_settle_mode: 0 }, error => {
    onClosed(error)
    sender.end(error.message)
  })
  const { window } = host.context.tuning
  const sender = new TelemetrySender(host.context.connection, link, {
    window,
    pace,
    onSent: (bytes, messages) => host.traffic.count('telemetry', 'out', bytes, messages),
    onUnauthorized: refusal => host.end(refusal),
  })
  host.ended.addEventListener('abort', () => sender.end(host.ended.reason.message), { once: true })
  return sender
}

async function keepOpen(links: OnDemand<{ close(): void }>, wanted: boolean): Promise<void> {
  if (wanted) await links.get()
  else (await links.giveUp())?.close()
}

function putBack(delivery: CloudDelivery): void {
  delivery.settle('abandoned')
}
