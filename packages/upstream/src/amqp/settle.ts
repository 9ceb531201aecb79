import type { Settlement } from '@edgewright/core'
import rhea, { type Delivery } from 'rhea'

interface Outcomes {
  accepted(): { described(): unknown }
  released(): { described(): unknown }
  rejected(fields: { readonly error?: unknown }): { described(): unknown }
}

const outcomes = rhea.message as unknown as Outcomes

/**
 * Tells the peer what became of its delivery.
 *
 * rhea folds the outcomes of one turn into ranges, and takes the second for a continuation of the first without looking
 * at either, unless their `settled` differ: a refusal right after one acceptance would go out as accepted. Whatever is
 * truthy is `true` on the wire, so every outcome but `accepted` brings a value that no other has.
 */
export function settle(delivery: Delivery, settlement: Settlement, error?: unknown): void {
  if (settlement === 'completed') delivery.update(true, ACCEPTED)
  else delivery.update((delivery.id + 2) as unknown as boolean, settlement === 'abandoned' ? RELEASED : rejected(error))
}

const ACCEPTED = outcomes.accepted().described()
const RELEASED = outcomes.released().described()

function rejected(error: unknown): unknown {
  return outcomes.rejected({ error }).described()
}
