import type { Identity, Subscription } from '@edgewright/core'
import type { Refusal } from '../refusal.js'
import { clientPath } from './client-path.js'
import { OTHER_IDENTITY, UNKNOWN_TOPIC } from './topic-refusal.js'

/** What a filter of the topic table asks for. */
export type SubscriptionFilter =
  | { readonly kind: 'subscription'; readonly subscription: Subscription }
  /** Answers to the client's own twin requests: nothing that a hub has to be told. */
  | { readonly kind: 'twin-responses' }

/**
 * Reads a filter that a client of this identity subscribes with. Source: wire reference, section 2.4.
 *
 * A module's `devices/{d}/modules/{m}/#` stands for its inputs, as the C and C# SDKs use it.
 */
export function parseSubscriptionFilter(filter: string, identity: Identity): SubscriptionFilter | Refusal {
  const fixed = FIXED_FILTERS.get(filter)
  if (fixed !== undefined) return fixed
  const own = clientPath(identity)
  if (!filter.startsWith(`${own}/`)) return filter.startsWith('devices/') ? OTHER_IDENTITY : UNKNOWN_TOPIC
  const rest = filter.slice(own.length)
  if (rest === COMMANDS) return { kind: 'subscription', subscription: 'commands' }
  const forInputs = identity.moduleId !== undefined && (rest === INPUTS || rest === EVERYTHING)
  return forInputs ? { kind: 'subscription', subscription: 'inputs' } : UNKNOWN_TOPIC
}

/** The filter by which a client of this identity asks for something. */
export function formatSubscriptionFilter(subscription: Subscription, identity: Identity): string {
  switch (subscription) {
    case 'inputs':
      return clientPath(identity) + INPUTS
    case 'commands':
      return clientPath(identity) + COMMANDS
    case 'desired':
      return DESIRED
    case 'methods':
      return METHODS
  }
}

/** The filter for answers to twin requests. */
export const TWIN_RESPONSE_FILTER = '$iothub/twin/res/#'

const INPUTS = '/inputs/#'
const EVERYTHING = '/#'
const COMMANDS = '/messages/devicebound/#'
const DESIRED = '$iothub/twin/PATCH/properties/desired/#'
const METHODS = '$iothub/methods/POST/#'

const FIXED_FILTERS: ReadonlyMap<string, SubscriptionFilter> = new Map<string, SubscriptionFilter>([
  [TWIN_RESPONSE_FILTER, { kind: 'twin-responses' }],
  [DESIRED, { kind: 'subscription', subscription: 'desired' }],
  [METHODS, { kind: 'subscription', subscription: 'methods' }],
])
