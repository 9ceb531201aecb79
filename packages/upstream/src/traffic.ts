import { type Clock, type Counter, type Identity, type IdentityKey, identityKey, type Meter } from '@edgewright/core'

/** What bytes are spent on. */
export type TrafficPurpose = 'telemetry' | 'twin' | 'method' | 'command' | 'token'

/** Which way. */
export type TrafficDirection = 'out' | 'in'

/** Counts of one identity. */
export interface IdentityTraffic {
  /** @param bytes - of the messages as encoded, without what the link adds */
  count(purpose: TrafficPurpose, direction: TrafficDirection, bytes: number, messages?: number): void
}

/** What traffic is measured with. */
export interface TrafficOptions {
  readonly clock: Clock
  readonly meter?: Meter | undefined
  /** Bytes of the link, both ways, that a day (UTC) may see before telemetry has to wait. @default no limit */
  readonly dailyBudget?: number | undefined
}

const DAY = 86_400_000

/**
 * Counts what goes over the link: `upstream_link_bytes` as the link sees it, `upstream_message_bytes` and
 * `upstream_messages` by purpose and identity. Holds telemetry when a budget is used up.
 */
export class Traffic {
  readonly #options: TrafficOptions
  readonly #link: Readonly<Record<TrafficDirection, Counter | undefined>>
  readonly #identities = new Map<IdentityKey, IdentityTraffic>()
  #day = 0
  #spent = 0

  constructor(options: TrafficOptions) {
    const { meter } = options
    this.#options = options
    this.#link = {
      in: meter?.counter('upstream_link_bytes', { direction: 'in' }),
      out: meter?.counter('upstream_link_bytes', { direction: 'out' }),
    }
  }

  /** Why telemetry has to wait; undefined when it may go. */
  get hold(): string | undefined {
    const { dailyBudget } = this.#options
    if (dailyBudget === undefined) return undefined
    this.#turnDay()
    return this.#spent < dailyBudget ? undefined : `the budget of ${dailyBudget} bytes a day is used up`
  }

  /** Bytes of the stream passed. */
  passed(direction: TrafficDirection, bytes: number): void {
    this.#link[direction]?.add(bytes)
    if (this.#options.dailyBudget === undefined) return
    this.#turnDay()
    this.#spent += bytes
  }

  /** The counts of one identity. */
  of(identity: Identity): IdentityTraffic {
    const key = identityKey(identity)
    const known = this.#identities.get(key)
    if (known !== undefined) return known
    const traffic = identityTraffic(key, this.#options.meter)
    this.#identities.set(key, traffic)
    return traffic
  }

  #turnDay(): void {
    const day = Math.floor(this.#options.clock.now() / DAY)
    if (day === this.#day) return
    this.#day = day
    this.#spent = 0
  }
}

function identityTraffic(identity: IdentityKey, meter: Meter | undefined): IdentityTraffic {
  if (meter === undefined) return UNCOUNTED
  const counters = new Map<string, { readonly bytes: Counter; readonly messages: Counter }>()
  return {
    count(purpose, direction, bytes, messages = 1) {
      const series = `${purpose} ${direction}`
      let counter = counters.get(series)
      if (counter === undefined) {
        const labels = { identity, purpose, direction }
        counter = {
          bytes: meter.counter('upstream_message_bytes', labels),
          messages: meter.counter('upstream_messages', labels),
        }
        counters.set(series, counter)
      }
      counter.bytes.add(bytes)
      counter.messages.add(messages)
    },
  }
}

const UNCOUNTED: IdentityTraffic = Object.freeze({ count: () => undefined })
