import type { Identity } from '@edgewright/core'
import { type AmqpLinkKind, parseLinkAddress, Refusal } from '@edgewright/protocol'

/** Whose link of a kind an address names; undefined when it is of another kind. */
export function ownAddress(address: string, kind: AmqpLinkKind): Identity | undefined {
  const parsed = parseLinkAddress(address)
  return !(parsed instanceof Refusal) && parsed.kind === kind ? parsed.identity : undefined
}
