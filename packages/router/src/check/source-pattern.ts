import type { MessageSource } from '@edgewright/core'
import { foldCase } from '../fold-case.js'
import type { Semantics } from '../semantics.js'
import type { Problems } from '../syntax/problem.js'
import type { Segment, Source } from '../syntax/tree.js'

/** Any one segment. */
export const ANY_SEGMENT = null

/**
 * What a message's path must begin with, segment by segment and in any letter case. Source: hub reference, 1.3.
 */
export type SourcePattern = readonly (string | typeof ANY_SEGMENT)[]

/** The pattern of a source. A star stands for a whole segment; the last one for any number of them. */
export function sourcePattern(source: Source, problems: Problems, semantics: Semantics): SourcePattern {
  if (semantics === 'iotedge') return originalPattern(source)
  const segments = source.segments.at(-1)!.text === '*' ? source.segments.slice(0, -1) : source.segments
  return segments.map(segment => {
    if (segment.text === '*') return ANY_SEGMENT
    if (segment.text.includes('*')) refuseStar(segment, problems)
    return foldCase(segment.text)
  })
}

function refuseStar({ text, start, end }: Segment, problems: Problems): void {
  const name = text.replace(/\*+$/, '')
  problems.add({
    code: 'ROUTE_SYNTAX',
    span: { start, end },
    message: 'a star stands for a whole segment, not for a part of one',
    hint: name === '' || name.includes('*') ? 'Write /*.' : `Write ${name}/* for all of ${name}.`,
  })
}

/** The original strikes the stars at the end, wherever they stand, and takes all others as letters. */
function originalPattern(source: Source): SourcePattern {
  const path = source.segments.map(segment => segment.text).join('/')
  return foldCase(path.replace(/\*+$/, ''))
    .split('/')
    .filter((segment, at, all) => segment !== '' || at < all.length - 1)
}

/** The path that a message carries, as patterns see it. */
export function messagePath(source: MessageSource): readonly string[] {
  if (source.kind === 'twinChange') return TWIN_CHANGE
  if (source.moduleId === undefined) return TELEMETRY
  const output = source.output === undefined || source.output === '' ? '' : `/outputs/${source.output}`
  return foldCase(`messages/modules/${source.moduleId}${output}`).split('/')
}

const TELEMETRY = Object.freeze(['messages'])
const TWIN_CHANGE = Object.freeze(['twinchangenotifications'])

/** Whether messages on a path match a pattern. */
export function matchesPath(pattern: SourcePattern, path: readonly string[]): boolean {
  return (
    pattern.length <= path.length && pattern.every((segment, at) => segment === ANY_SEGMENT || segment === path[at])
  )
}
