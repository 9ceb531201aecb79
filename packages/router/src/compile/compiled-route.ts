import type { RouteDestination, RouteTarget } from '@edgewright/core'
import type { Checked } from '../check/checked.js'
import type { SourcePattern } from '../check/source-pattern.js'
import type { Route } from '../syntax/tree.js'
import type { ConditionCode } from './code.js'

/** One route of a table. */
export interface CompiledRoute {
  readonly name: string
  /** Its place in the table, from 0. */
  readonly position: number
  /** The rule as it was written. */
  readonly text: string
  readonly tree: Route
  readonly pattern: SourcePattern
  /** Absent when the rule has no WHERE. */
  readonly condition: Checked | undefined
  readonly destination: RouteDestination
  /** Whether the condition is true; absent when there is none. */
  readonly code: ConditionCode | undefined
}

/** One text per endpoint: targets with the same key are the same. */
export function targetKey(target: RouteTarget): string {
  return target.kind === 'upstream' ? '' : `${target.moduleId}/${target.input}`
}
