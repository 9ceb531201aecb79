import { HubError } from '../../state/hub-error.js'

/** Where a reader begins. */
export type EventPosition =
  | { readonly kind: 'end' }
  | { readonly kind: 'sequence-number'; readonly from: number; readonly isInclusive: boolean }
  /** Milliseconds since 1970. */
  | { readonly kind: 'time'; readonly from: number; readonly isInclusive: boolean }

/** From the oldest event that is kept. */
export const FROM_START: EventPosition = { kind: 'sequence-number', from: -1, isInclusive: false }

const SELECTOR =
  /^amqp\.annotation\.x-opt-(offset|sequence-number|enqueued-time|enqueuedtimeutc)\s*(>=?)\s*'?(@?[\w-]+)'?$/i

/**
 * Reads the selector filter of a reader's source. Offsets and sequence numbers are the same in this hub.
 * Source: Event Hubs AMQP protocol guide, "Receiver filters".
 *
 * @throws `HUB_ARGUMENT_INVALID`
 */
export function parseSelector(selector: string): EventPosition {
  const [, what = '', operator = '', value = ''] = SELECTOR.exec(selector.trim()) ?? []
  const isInclusive = operator === '>='
  if (value.toLowerCase() === '@latest') return { kind: 'end' }
  const from = Number(value)
  if (value === '' || !Number.isSafeInteger(from)) {
    throw new HubError('ArgumentInvalid', `The filter ${selector} cannot be read`)
  }
  if (what.toLowerCase().startsWith('enqueued')) return { kind: 'time', from, isInclusive }
  return { kind: 'sequence-number', from, isInclusive }
}
