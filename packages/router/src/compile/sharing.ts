import { type Checked, partsOf } from '../check/checked.js'

/** Knows which expressions are asked for more than once, and keeps one code for each of those. */
export class Sharing {
  /** Numbers for expressions: equal ones have equal numbers. */
  readonly #numbers = new Map<string, number>()
  readonly #numberOf = new WeakMap<Checked, number>()
  readonly #counts: number[] = []
  readonly #codes = new Map<string, unknown>()

  /** Takes note of an expression and its parts. */
  note(node: Checked): number {
    const key = `${describe(node)}(${partsOf(node).map(part => this.note(part))})`
    const number = this.#numbers.get(key) ?? this.#numbers.size
    this.#numbers.set(key, number)
    this.#numberOf.set(node, number)
    this.#counts[number] = (this.#counts[number] ?? 0) + 1
    return number
  }

  /** How often an expression was noted. */
  count(node: Checked): number {
    return this.#counts[this.#numberOf.get(node) ?? -1] ?? 0
  }

  /**
   * The code for an expression: one of its own, or one for all equal expressions that were noted.
   *
   * @param purpose - tells apart the codes that one expression can have.
   */
  code<Code>(node: Checked, purpose: string, make: () => Code, share: (code: Code) => Code): Code {
    if (this.count(node) < 2) return make()
    const key = `${this.#numberOf.get(node)} ${purpose}`
    const known = this.#codes.get(key) as Code | undefined
    const code = known ?? share(make())
    this.#codes.set(key, code)
    return code
  }
}

/** What an expression is, its parts apart. */
function describe(node: Checked): string {
  switch (node.kind) {
    case 'literal':
      return `${node.type} ${typeof node.value === 'string' ? JSON.stringify(node.value) : spell(node.value)}`
    case 'property':
    case 'system':
    case 'shadow':
      return `${node.kind} ${JSON.stringify(node.name)}`
    case 'body':
      return `body ${JSON.stringify(node.path, (_, step) => (typeof step === 'symbol' ? { any: true } : step))}`
    case 'call':
      return node.builtin.name
    case 'logical':
      return `${node.operator} ${node.strict}`
    case 'arithmetic':
    case 'comparison':
      return `${node.kind} ${node.operator} ${node.type}`
    default:
      return `${node.kind} ${node.type}`
  }
}

/** Tells zero and minus zero apart, by which one may divide. */
function spell(value: unknown): string {
  return Object.is(value, -0) ? '-0' : String(value)
}
