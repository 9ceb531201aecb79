import { isBareMember, isBareName } from './name.js'
import { BINDING, UNARY_BINDING } from './operators.js'
import { LITERAL_WORDS, keywordOf } from './token.js'
import { quote } from './string.js'
import { ANY_CHILD, type BodyStep, type Expression, type Route, type Sink } from './tree.js'

/**
 * A rule in the text language, one way for each tree: reading it again (with the default semantics) gives the same
 * tree. Comments and superfluous parentheses are gone.
 */
export function printRoute(route: Route): string {
  const path = route.source.segments.map(segment => `/${segment.text}`).join('')
  const where = route.condition === undefined ? '' : ` WHERE ${printExpression(route.condition)}`
  return `FROM ${path}${where} INTO ${printSink(route.sink)}`
}

function printSink(sink: Sink): string {
  if (sink.kind === 'upstream') return '$upstream'
  return `BrokeredEndpoint(${quote(`/modules/${sink.moduleId}/inputs/${sink.input}`, '"')})`
}

const PRIMARY_BINDING = 9

/** A condition, or a part of one, in the text language. */
export function printExpression(node: Expression): string {
  switch (node.kind) {
    case 'literal':
      return typeof node.value === 'string' ? quote(node.value) : String(node.value)
    case 'property':
      return printName(node.name)
    case 'system':
      return node.braced ? `{$${node.name}}` : `$${node.name}`
    case 'body':
      return `$body${(node.path ?? []).map(printStep).join('')}`
    case 'call':
      return `${node.name}(${node.operands.map(printExpression).join(', ')})`
    case 'unary':
      return node.operator === 'NOT'
        ? `NOT ${within(node.operand, UNARY_BINDING)}`
        : `-${within(node.operand, UNARY_BINDING)}`
    case 'binary': {
      const binding = BINDING[node.operator]
      return `${within(node.left, binding)} ${node.operator} ${within(node.right, binding + 1)}`
    }
    case 'logical':
      return node.operands.map(operand => within(operand, BINDING[node.operator] + 1)).join(` ${node.operator} `)
    case 'invalid':
      return '…'
  }
}

/** An operand, in parentheses unless it binds at least this tightly. */
function within(node: Expression, binding: number): string {
  const text = printExpression(node)
  return bindingOf(node) >= binding ? text : `(${text})`
}

function bindingOf(node: Expression): number {
  if (node.kind === 'binary' || node.kind === 'logical') return BINDING[node.operator]
  return node.kind === 'unary' ? UNARY_BINDING : PRIMARY_BINDING
}

function printName(name: string): string {
  const bare = isBareName(name) && keywordOf(name) === undefined && !LITERAL_WORDS.has(name.toLowerCase())
  return bare ? name : `{${quote(name, '"')}}`
}

function printStep(step: BodyStep): string {
  if (step === ANY_CHILD) return '.*'
  if (typeof step === 'number') return `[${step}]`
  return isBareMember(step) ? `.${step}` : `[${quote(step, '"')}]`
}
