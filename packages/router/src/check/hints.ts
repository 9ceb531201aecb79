import type { Span } from '../syntax/span.js'
import type { Checked, ComparisonOperator, StaticType } from './checked.js'

const DESCRIPTIONS: Readonly<Record<StaticType, string>> = {
  string: 'a string',
  number: 'a number',
  bool: 'a boolean',
  null: 'null',
  undefined: 'undefined',
  body: 'a body value',
  invalid: 'something unclear',
}

/** A static type in words. */
export function describeType(type: StaticType): string {
  return DESCRIPTIONS[type]
}

/** What was probably meant where a number was needed. */
export function hintForNumber(operand: Checked, text: string | undefined): string | undefined {
  if (operand.type !== 'string' || text === undefined) return undefined
  if (operand.kind === 'literal') {
    return isNumeric(operand.value) ? `Did you mean ${operand.value}, without quotes?` : undefined
  }
  if (operand.kind === 'property' && /[^-]-[^-]/.test(operand.name)) {
    return `The hyphen belongs to the name ${operand.name}: put blanks around a minus.`
  }
  return `Did you mean as_number(${text})?`
}

/** What was probably meant where something true or false was needed. */
export function hintForTruth(operand: Checked, text: string | undefined): string | undefined {
  if (text === undefined || operand.kind === 'literal') return undefined
  return operand.type === 'string' ? `Did you mean is_defined(${text}), or a comparison with it?` : undefined
}

/** What was probably meant by a comparison of two types that do not compare. */
export function hintForComparison(
  operator: ComparisonOperator,
  left: Checked,
  right: Checked,
  quote: (span: Span) => string | undefined,
): string | undefined {
  const [one, other] = left.type === 'string' || left.type === 'body' ? [left, right] : [right, left]
  const text = quote(one)
  const negation = operator === '!=' ? '' : 'NOT '
  if (other.type === 'undefined' && text !== undefined) return `Did you mean ${negation}is_defined(${text})?`
  if (one.type !== 'string') return undefined
  if (other.type === 'number') return hintForNumber(one, text)
  if (text === undefined) return undefined
  if (other.type === 'bool' && other.kind === 'literal') return `Did you mean ${text} ${operator} '${other.value}'?`
  if (other.type !== 'null') return undefined
  const test = operator === '!=' ? `is_defined(${text})` : `is_null(${text})`
  return `Did you mean ${test}? A property that is not there is undefined, not null.`
}

function isNumeric(value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value))
}
