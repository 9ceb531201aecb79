import type { Checked, CheckedCall } from '../check/checked.js'
import type { Code, ExpressionCompiler, Truth } from './code.js'
import * as numbers from './numbers.js'
import { definedTest, originalNullTest, startTest, type TypeTestName, textTest, typeTest } from './tests.js'
import type { Text } from './text.js'
import { changedCase, emptyForNull, joined, partOf, undefinedForNull } from './texts.js'

/** A function that tests. */
export function compileTest(node: CheckedCall, compiler: ExpressionCompiler): Code<Truth> {
  const { name } = node.builtin
  const [first, second] = node.operands as [Checked, Checked]
  switch (name) {
    case 'starts_with':
      if (second.kind === 'literal' && typeof second.value === 'string') {
        return startTest(compiler.text(first), second.value)
      }
      return textTest(name, compiler.text(first), compiler.text(second))
    case 'ends_with':
    case 'contains':
      return textTest(name, compiler.text(first), compiler.text(second))
    case 'is_defined':
      return definedTest(compiler.value(first), compiler.semantics === 'iotedge')
    case 'is_null':
      if (compiler.semantics === 'iotedge' && first.type === 'body') return originalNullTest(compiler.value(first))
      return typeTest(name, compiler.value(first))
    default:
      return typeTest(name as TypeTestName, compiler.value(first))
  }
}

/** A function that gives a number, which it leaves in the register. */
export function compileNumberFunction(node: CheckedCall, register: number, compiler: ExpressionCompiler): Code<void> {
  const { name } = node.builtin
  const [first, second] = node.operands as [Checked, Checked]
  switch (name) {
    case 'as_number':
      return numbers.spelledNumber(compiler.value(first), compiler.semantics === 'iotedge', register)
    case 'power':
      return numbers.powerOf(compiler.number(first), compiler.number(second), register)
    case 'length':
      return numbers.lengthOf(compiler.text(first), register)
    case 'index_of':
      return numbers.positionOf(compiler.text(first), compiler.text(second), register)
    default:
      return numbers.numberFunction(name as numbers.NumberFunctionName, compiler.number(first), register)
  }
}

/** A function that gives a text, of at most this length when it joins others. */
export function compileTextFunction(node: CheckedCall, maxLength: number, compiler: ExpressionCompiler): Code<Text> {
  const { name } = node.builtin
  const [first, start, length] = node.operands as [Checked, Checked, Checked?]
  if (name === 'lower' || name === 'upper') return changedCase(name, compiler.text(first))
  if (name === 'substring') {
    return partOf(compiler.text(first), compiler.number(start), length && compiler.number(length))
  }
  const parts = node.operands.map(part => {
    const text = compiler.text(part)
    return part.type === 'body' ? undefinedForNull(text) : emptyForNull(text)
  })
  return joined(parts, maxLength)
}
