import type { Checked, CheckedComparison } from '../check/checked.js'
import type { Code, ExpressionCompiler, Truth } from './code.js'
import { dynamicComparison } from './compare-values.js'
import {
  compareBodyValue,
  compareNumbers,
  compareProperty,
  compareTexts,
  equalsText,
  MIRRORED,
  OPPOSITES,
} from './comparisons.js'
import { undefinedForNull } from './texts.js'
import type { Value } from './value.js'

/** Whether a comparison is exactly true, or exactly false: in the quickest form that its operands allow. */
export function compileComparison(node: CheckedComparison, wanted: boolean, compiler: ExpressionCompiler): Code<Truth> {
  const { operator, left, right } = node
  if (left.kind === 'literal' && right.kind !== 'literal') {
    return compileComparison({ ...node, operator: MIRRORED[operator], left: right, right: left }, wanted, compiler)
  }
  const effective = wanted ? operator : OPPOSITES[operator]
  const written = right.kind === 'literal' ? right.value : undefined
  if (left.type === 'number' && right.type === 'number') {
    return compareNumbers(effective, compiler.number(left), compiler.number(right))
  }
  if (left.kind === 'property' && typeof written === 'string') {
    return compareProperty(effective, compiler.evaluation.propertySlot(left.name), written)
  }
  if (left.type === 'string' && right.type === 'string') {
    if (effective === '=' && typeof written === 'string') return equalsText(compiler.text(left), written)
    return compareTexts(effective, compiler.text(left), compiler.text(right))
  }
  if (compiler.semantics === 'edgewright' && left.kind === 'body' && left.path !== undefined && written !== undefined) {
    return compareBodyValue(effective, compiler.evaluation.bodySlot(left.path), written)
  }
  const truth = comparisonValue(node, compiler)
  return wanted ? truth : evaluation => truth(evaluation) === false
}

/** What a comparison comes to. */
export function comparisonValue(
  { operator, left, right }: CheckedComparison,
  compiler: ExpressionCompiler,
): Code<Truth> {
  const compare = dynamicComparison(operator, compiler.semantics)
  const one = comparedValue(left, compiler)
  const other = comparedValue(right, compiler)
  return evaluation => compare(one(evaluation), other(evaluation))
}

/** A property that came without value compares with nothing. */
function comparedValue(node: Checked, compiler: ExpressionCompiler): Code<Value> {
  return node.type === 'string' ? undefinedForNull(compiler.text(node)) : compiler.value(node)
}
