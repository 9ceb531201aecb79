import {
  type Checked,
  type CheckedCall,
  type CheckedComparison,
  type CheckedLogical,
  partsOf,
} from '../check/checked.js'
import { closest } from '../check/suggest.js'
import { SYSTEM_PROPERTIES, systemProperty } from '../check/system-properties.js'
import type { CompiledRoute } from '../compile/compiled-route.js'
import { MISSING, type Value } from '../compile/value.js'
import type { Semantics } from '../semantics.js'
import { takesTwinChanges } from './lint-source.js'
import type { Finding } from './warning.js'

/** Findings about a route's condition. */
export function lintCondition(
  route: CompiledRoute,
  semantics: Semantics,
  constantValue: (node: Checked) => Value,
): Finding[] {
  if (route.condition === undefined) return []
  const linter = new ConditionLinter(route, semantics, constantValue)
  linter.run(route.condition)
  return linter.findings
}

/** What an expression comes to for every message, as far as that can be told; absent when it depends. */
type Outlook = 'true' | 'false' | 'undefined' | undefined

class ConditionLinter {
  readonly findings: Finding[] = []
  readonly #route: CompiledRoute
  readonly #semantics: Semantics
  readonly #constantValue: (node: Checked) => Value
  readonly #constant = new Set<Checked>()

  constructor(route: CompiledRoute, semantics: Semantics, constantValue: (node: Checked) => Value) {
    this.#route = route
    this.#semantics = semantics
    this.#constantValue = constantValue
  }

  run(condition: Checked): void {
    this.#findConstants(condition)
    const outlook = this.#visit(condition)
    if (outlook !== 'false' && outlook !== 'undefined' && condition.type !== 'null') return
    this.#report('never-matches', condition, 'the condition is never true')
  }

  #report(code: Finding['code'], { start, end }: Checked, message: string, hint?: string): void {
    this.findings.push({ code, span: { start, end }, message, hint })
  }

  #text({ start, end }: Checked): string {
    return this.#route.text.slice(start, end)
  }

  /** Notes what asks for nothing of a message. */
  #findConstants(node: Checked): boolean {
    const parts = partsOf(node).map(part => this.#findConstants(part))
    const constant = !['property', 'system', 'body', 'shadow'].includes(node.kind) && parts.every(Boolean)
    if (constant) this.#constant.add(node)
    return constant
  }

  #visit(node: Checked): Outlook {
    if (this.#constant.has(node)) return this.#visitConstant(node)
    const outlooks = partsOf(node).map(part => this.#visit(part))
    const anyUndefined = outlooks.includes('undefined') ? 'undefined' : undefined
    switch (node.kind) {
      case 'property':
        return this.#visitProperty(node)
      case 'system':
        return this.#visitSystem(node)
      case 'comparison':
        this.#lintOrder(node)
        return anyUndefined
      case 'logical':
        return this.#visitLogical(node, outlooks)
      case 'not':
        return NEGATED[outlooks[0] ?? 'open']
      case 'call':
        return this.#visitCall(node, anyUndefined)
      case 'arithmetic':
      case 'negation':
        return anyUndefined
      default:
        return undefined
    }
  }

  #visitConstant(node: Checked): Outlook {
    const value = this.#constantValue(node)
    if (typeof value === 'boolean') return value ? 'true' : 'false'
    if (value !== undefined && value !== MISSING) return undefined
    this.#report('always-undefined', node, `${this.#text(node)} is always undefined`)
    return 'undefined'
  }

  #visitProperty(node: Checked & { readonly name: string }): Outlook {
    const { name } = node
    if (this.#text(node).startsWith('$')) this.#reportUnknown(node, name.slice(1))
    const system = systemProperty(name, this.#semantics)
    if (system !== undefined) {
      const hint = `Write $${system.name} for the system property.`
      this.#report('unusual', node, `${name} is the application property of that name`, hint)
    }
    return undefined
  }

  #visitSystem(node: Checked & { readonly name: string }): Outlook {
    const known = systemProperty(node.name, this.#semantics)
    if (known === undefined) {
      this.#reportUnknown(node, node.name)
      return this.#text(node).startsWith('{') ? 'undefined' : undefined
    }
    if (known.field === undefined) {
      this.#report('always-undefined', node, `no message ever has ${known.name}`)
      return 'undefined'
    }
    if (known.twinChangeOnly !== true || takesTwinChanges(this.#route.pattern)) return undefined
    this.#report('always-undefined', node, `only messages from /twinChangeNotifications have ${known.name}`)
    return 'undefined'
  }

  #reportUnknown(node: Checked, name: string): void {
    const similar = RENAMED.get(name.toLowerCase()) ?? closest(name, SYSTEM_NAMES)
    const hint = similar === undefined ? undefined : `Did you mean $${similar}?`
    this.#report('unknown-property', node, `there is no system property ${name}`, hint)
  }

  #lintOrder(node: CheckedComparison): void {
    if (node.operator === '=' || node.operator === '!=') return
    const [literal, other] = node.left.kind === 'literal' ? [node.left, node.right] : [node.right, node.left]
    if (literal.kind !== 'literal' || !isNumeric(literal.value)) return
    const hint =
      other.type === 'body'
        ? `Write ${literal.value} without quotes.`
        : `Did you mean as_number(${this.#text(other)}) ${node.operator} ${literal.value}?`
    this.#report('text-order', node, 'texts are ordered letter by letter, not as numbers', hint)
  }

  #visitLogical(node: CheckedLogical, outlooks: readonly Outlook[]): Outlook {
    const [decisive, neutral] = node.operator === 'AND' ? (['false', 'true'] as const) : (['true', 'false'] as const)
    if (node.strict) return outlooks.includes('undefined') ? 'undefined' : undefined
    if (outlooks.includes(decisive) || (node.operator === 'AND' && this.#contradicts(node))) return decisive
    if (outlooks.every(outlook => outlook === neutral)) return neutral
    const settled = outlooks.every(outlook => outlook === neutral || outlook === 'undefined')
    return node.operator === 'AND' && outlooks.includes('undefined') ? 'undefined' : settled ? 'undefined' : undefined
  }

  /** Whether an AND asks one thing to equal two values. */
  #contradicts(node: CheckedLogical): boolean {
    const wanted = new Map<string, unknown>()
    for (const operand of node.operands) {
      if (operand.kind !== 'comparison' || operand.operator !== '=') continue
      const [literal, other] =
        operand.left.kind === 'literal' ? [operand.left, operand.right] : [operand.right, operand.left]
      if (literal.kind !== 'literal') continue
      const subject = other.type === 'body' ? this.#text(other) : this.#text(other).toLowerCase()
      if (wanted.has(subject) && wanted.get(subject) !== literal.value) return true
      wanted.set(subject, literal.value)
    }
    return false
  }

  #visitCall(node: CheckedCall, anyUndefined: Outlook): Outlook {
    const { name } = node.builtin
    const [operand] = node.operands
    if (name === 'is_defined' || name === 'is_null') return anyUndefined && 'false'
    if (name !== 'is_number' && name !== 'is_bool') return name === 'is_string' ? undefined : anyUndefined
    if (operand?.type !== 'string') return undefined
    const hint = name === 'is_number' ? `Did you mean is_defined(as_number(${this.#text(operand)}))?` : undefined
    this.#report('unusual', node, `${name} is never true of a text, and properties are texts`, hint)
    return 'false'
  }
}

const SYSTEM_NAMES: readonly string[] = SYSTEM_PROPERTIES.map(({ name }) => name)

const NEGATED: Readonly<Record<NonNullable<Outlook> | 'open', Outlook>> = {
  true: 'false',
  false: 'true',
  undefined: 'undefined',
  open: undefined,
}

/** Names from the wire or from the cloud, and what routes call them. */
const RENAMED: ReadonlyMap<string, string> = new Map([
  ['iothub-connection-device-id', 'connectionDeviceId'],
  ['iothub-connection-module-id', 'connectionModuleId'],
  ['iothub-enqueuedtime', 'enqueuedTime'],
  ['iothub-creation-time-utc', 'creationTime'],
  ['iothub-message-schema', 'messageSchema'],
  ['correlation-id', 'cid'],
  ['expirytimeutc', 'absolute-expiry-time'],
  ['expirytime', 'absolute-expiry-time'],
  ['deviceid', 'connectionDeviceId'],
  ['moduleid', 'connectionModuleId'],
])

function isNumeric(value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value))
}
