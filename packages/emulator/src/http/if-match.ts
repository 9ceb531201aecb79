import type { IncomingHttpHeaders } from 'node:http'

/** What a request asks of the entity tag: nothing, that the entity exists, or one tag. */
export type IfMatch =
  | { readonly kind: 'absent' }
  | { readonly kind: 'any' }
  | { readonly kind: 'etag'; readonly etag: string }

/** Reads `If-Match`; the tag may stand in quotes. */
export function ifMatch(headers: IncomingHttpHeaders): IfMatch {
  const text = headers['if-match']?.trim()
  if (text === undefined || text === '') return { kind: 'absent' }
  const etag = text.replace(/^"|"$/g, '')
  return etag === '*' ? { kind: 'any' } : { kind: 'etag', etag }
}

/** The tag that must be the entity's; undefined when any will do. */
export function wantedEtag(headers: IncomingHttpHeaders): string | undefined {
  const match = ifMatch(headers)
  return match.kind === 'etag' ? match.etag : undefined
}
