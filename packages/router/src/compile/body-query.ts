import type { JsonValue } from '@edgewright/core'
import type { Semantics } from '../semantics.js'
import { ANY_CHILD, type BodyStep } from '../syntax/tree.js'
import type { Evaluation } from './evaluation.js'
import { MISSING, type Value } from './value.js'

/** Finds a value in the body of the message at hand: undefined when the body is unusable. */
export type BodyQuery = (evaluation: Evaluation) => Value

/** The query for a path. */
export function bodyQuery(path: readonly BodyStep[] | undefined, semantics: Semantics): BodyQuery {
  if (path === undefined) return nothing
  if (semantics === 'iotedge') return originalQuery(path)
  const [first] = path
  if (path.length === 1 && typeof first === 'string' && !(first in Object.prototype)) return memberQuery(first)
  return evaluation => {
    const root = evaluation.body()
    return root === undefined ? undefined : follow(root, path)
  }
}

function nothing(): undefined {}

/** The commonest query by far: one member of the root, of a name that no object inherits. */
function memberQuery(name: string): BodyQuery {
  return evaluation => {
    const root = evaluation.body() as Readonly<Record<string, JsonValue>> | undefined
    if (root === undefined || Array.isArray(root)) return root === undefined ? undefined : MISSING
    const value = root[name]
    return value === undefined ? MISSING : value
  }
}

function follow(root: JsonValue, path: readonly BodyStep[]): JsonValue {
  let node = root
  for (const step of path) {
    const child = childOf(node, step)
    if (child === undefined) return MISSING
    node = child
  }
  return node
}

function childOf(node: JsonValue, step: BodyStep): JsonValue | undefined {
  if (typeof node !== 'object' || node === null) return undefined
  if (typeof step === 'number') return Array.isArray(node) ? node[step] : undefined
  const members = node as Readonly<Record<string, JsonValue>>
  return typeof step === 'string' && !Array.isArray(node) && Object.hasOwn(node, step) ? members[step] : undefined
}

/** Objects, arrays, several hits and what reads as a date are undefined in the original. */
function originalQuery(path: readonly BodyStep[]): BodyQuery {
  return evaluation => {
    const root = evaluation.body()
    if (root === undefined) return undefined
    const hits = hitsOf(root, path)
    if (hits.length !== 1) return hits.length === 0 ? MISSING : undefined
    const value = hits[0]!
    if (typeof value === 'string') return isDate(value) ? undefined : value
    return typeof value === 'object' && value !== null ? undefined : value
  }
}

/** The nodes that a path leads to. Each `*` visits nodes of one level only, so all of them together visit each once. */
function hitsOf(root: JsonValue, path: readonly BodyStep[]): readonly JsonValue[] {
  let nodes: readonly JsonValue[] = [root]
  for (const step of path) {
    nodes = nodes.flatMap(node => {
      if (step === ANY_CHILD) return typeof node === 'object' && node !== null ? Object.values(node) : []
      const child = childOf(node, step)
      return child === undefined ? [] : [child]
    })
  }
  return nodes
}

const DATE = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:Z|[+-]\d\d(?::?\d\d)?)?$/i
const MAX_DATE_LENGTH = 40

/** Whether the JSON parser of the original makes a date of a string. */
function isDate(text: string): boolean {
  if (text.length > MAX_DATE_LENGTH) return false
  const parts = DATE.exec(text)
  if (parts === null) return false
  const [year, month, day, hour, minute, second] = parts.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const daysInMonth = new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate()
  const dateFits = year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth
  return dateFits && hour <= 24 && minute <= 59 && second <= 59 && (hour < 24 || (minute === 0 && second === 0))
}
