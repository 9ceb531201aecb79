import type { JsonObject, JsonValue } from '@edgewright/core'
import type { Semantics } from '../semantics.js'
import { ANY_CHILD, type BodyStep } from '../syntax/tree.js'
import { MISSING, SOME_ARRAY, SOME_OBJECT, type Value } from './value.js'

/** Finds a value in a body: a scalar, or what stands for an object, for an array, for nothing. */
export type BodyQuery = (root: JsonValue) => Value

/** The query for a path. */
export function bodyQuery(path: readonly BodyStep[], semantics: Semantics): BodyQuery {
  if (semantics === 'iotedge') return root => originalValue(hitsOf(root, path))
  const [first] = path
  if (path.length === 1 && typeof first === 'string' && !INHERITED.has(first)) return memberQuery(first)
  return root => summary(follow(root, path))
}

/** The commonest query by far: one member of the root, of a name that no object inherits. */
function memberQuery(name: string): BodyQuery {
  return root => summary(Array.isArray(root) ? undefined : (root as JsonObject)[name])
}

function summary(value: JsonValue | undefined): JsonValue {
  if (value === undefined) return MISSING
  if (typeof value !== 'object' || value === null) return value
  return Array.isArray(value) ? SOME_ARRAY : SOME_OBJECT
}

function follow(root: JsonValue, path: readonly BodyStep[]): JsonValue | undefined {
  let node: JsonValue | undefined = root
  for (let at = 0; at < path.length && node !== undefined; at++) node = childOf(node, path[at]!)
  return node
}

function childOf(node: JsonValue, step: BodyStep): JsonValue | undefined {
  if (typeof node !== 'object' || node === null) return undefined
  if (typeof step === 'number') return Array.isArray(node) ? node[step] : undefined
  if (typeof step !== 'string' || Array.isArray(node)) return undefined
  const child = (node as JsonObject)[step]
  return child !== undefined && (!INHERITED.has(step) || Object.hasOwn(node, step)) ? child : undefined
}

/** What every object has without having it. */
const INHERITED: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(Object.prototype))

/** Objects, arrays, several hits and what reads as a date are undefined in the original. */
function originalValue(hits: readonly JsonValue[]): Value {
  if (hits.length !== 1) return hits.length === 0 ? MISSING : undefined
  const value = hits[0]!
  if (typeof value === 'string') return isDate(value) ? undefined : value
  return typeof value === 'object' && value !== null ? undefined : value
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
