import type { Problem, Problems } from '../syntax/problem.js'
import type { Span } from '../syntax/span.js'
import type { Checked, CheckedLiteral } from './checked.js'

const MAX_QUOTE = 80

/** Reports what does not fit in a condition. */
export class Refusal {
  readonly #problems: Problems
  readonly #text: string

  constructor(problems: Problems, text: string) {
    this.#problems = problems
    this.#text = text
  }

  /**
   * Reports a problem, unless it only follows from an operand that was reported already.
   *
   * @returns what stands for the part from now on: its type fits everywhere.
   */
  refuse(
    span: Span,
    problem: Pick<Problem, 'message' | 'expected' | 'hint'>,
    ...operands: readonly Checked[]
  ): CheckedLiteral {
    const { start, end } = span
    if (!operands.some(operand => operand.type === 'invalid')) {
      this.#problems.add({ code: 'ROUTE_TYPE', span: { start, end }, ...problem })
    }
    return { kind: 'literal', type: 'invalid', value: undefined, start, end }
  }

  /** The text of a part, when it is short enough to quote. */
  quote({ start, end }: Span): string | undefined {
    return end - start <= MAX_QUOTE ? this.#text.slice(start, end) : undefined
  }

  /** Whether a part stands in parentheses. */
  isParenthesised(span: Span): boolean {
    return this.#text[span.start] === '('
  }
}
