import { isJsonObject, type JsonObject, type JsonValue } from '@edgewright/core'
import type { Comparison, Condition, Operand, Predicate, Query, Selection } from './tree.js'

/** Whether a document meets a condition. A comparison with something that is not there is false. */
export function matches(condition: Condition, document: JsonObject): boolean {
  switch (condition.kind) {
    case 'and':
      return matches(condition.left, document) && matches(condition.right, document)
    case 'or':
      return matches(condition.left, document) || matches(condition.right, document)
    case 'not':
      return !matches(condition.condition, document)
    case 'compare':
      return compare(condition.operator, read(condition.left, document), read(condition.right, document))
    case 'in': {
      const value = read(condition.value, document)
      const found = condition.list.some(item => compare('=', value, read(item, document)))
      return value !== undefined && found !== condition.negated
    }
    case 'predicate':
      return PREDICATES[condition.name](at(condition.path, document))
    default:
      return textTest(condition, document)
  }
}

/** What a query gives of the documents of its collection. */
export function select(query: Query, documents: Iterable<JsonObject>): readonly JsonObject[] {
  return selectAll(query, documents).slice(0, query.top)
}

function selectAll({ selections, where, groupBy }: Query, documents: Iterable<JsonObject>): readonly JsonObject[] {
  const met = [...documents].filter(document => where === undefined || matches(where, document))
  if (selections === undefined) return met
  if (groupBy.length === 0 && !selections.some(({ kind }) => kind === 'aggregate')) {
    return met.map(document => project(selections, [document]))
  }
  const groups = new Map<string, JsonObject[]>(groupBy.length === 0 ? [['', met]] : [])
  for (const document of groupBy.length === 0 ? [] : met) {
    const key = JSON.stringify(groupBy.map(path => at(path, document) ?? null))
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [document])
    else group.push(document)
  }
  return Array.from(groups.values(), group => project(selections, group))
}

/** What stands at a path; names are compared as they are, but a collection's own name may stand first. */
export function at(path: readonly string[], document: JsonObject): JsonValue | undefined {
  const [first = '', ...rest] = path
  const start =
    Object.hasOwn(document, first) || rest.length === 0 || !COLLECTIONS.has(first.toLowerCase()) ? path : rest
  let value: JsonValue | undefined = document
  for (const name of start) value = isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
  return value
}

const COLLECTIONS: ReadonlySet<string> = new Set(['devices', 'modules', 'configurations'])

function project(selections: readonly Selection[], group: readonly JsonObject[]): JsonObject {
  const result: Record<string, JsonValue> = {}
  for (const selection of selections) {
    const value = selection.kind === 'path' ? at(selection.path, group[0] ?? {}) : aggregate(selection, group)
    if (value !== undefined) result[selection.name] = value
  }
  return result
}

function aggregate(
  { aggregate: kind, path }: Extract<Selection, { kind: 'aggregate' }>,
  group: readonly JsonObject[],
): number {
  if (kind === 'count' && path === undefined) return group.length
  const values = group.map(document => (path === undefined ? undefined : at(path, document)))
  if (kind === 'count') return values.filter(value => value !== undefined).length
  const numbers = values.filter(value => typeof value === 'number')
  const sum = numbers.reduce((total, value) => total + value, 0)
  if (kind === 'sum') return sum
  if (kind === 'avg') return numbers.length === 0 ? 0 : sum / numbers.length
  return kind === 'min' ? Math.min(...numbers) : Math.max(...numbers)
}

function read(operand: Operand, document: JsonObject): JsonValue | undefined {
  return operand.kind === 'constant' ? operand.value : at(operand.path, document)
}

function compare(operator: Comparison, left: JsonValue | undefined, right: JsonValue | undefined): boolean {
  if (left === undefined || right === undefined) return false
  if (operator === '=') return left === right
  if (operator === '!=') return left !== right
  const isOrdered =
    (typeof left === 'number' && typeof right === 'number') || (typeof left === 'string' && typeof right === 'string')
  if (!isOrdered) return false
  if (operator === '<') return left < right
  if (operator === '<=') return left <= right
  return operator === '>' ? left > right : left >= right
}

function textTest(condition: Extract<Condition, { value: Operand; part: Operand }>, document: JsonObject): boolean {
  const value = read(condition.value, document)
  const part = read(condition.part, document)
  if (typeof value !== 'string' || typeof part !== 'string') return false
  if (condition.kind === 'startsWith') return value.startsWith(part)
  return condition.kind === 'endsWith' ? value.endsWith(part) : value.includes(part)
}

const PREDICATES: Readonly<Record<Predicate, (value: JsonValue | undefined) => boolean>> = {
  is_defined: value => value !== undefined,
  is_null: value => value === null,
  is_bool: value => typeof value === 'boolean',
  is_number: value => typeof value === 'number',
  is_string: value => typeof value === 'string',
  is_object: isJsonObject,
  is_primitive: value => value !== undefined && !isJsonObject(value) && !Array.isArray(value),
}
