import { BUILTINS, type BuiltinName, type OperandType } from './check/builtins.js'
import { SYSTEM_PROPERTIES, type SystemPropertyName } from './check/system-properties.js'
import { type Keyword, KEYWORDS, LITERAL_WORDS, type Mark, MARKS } from './syntax/token.js'

/** One way to call a function. */
export interface FunctionForm {
  readonly name: BuiltinName
  readonly operands: readonly OperandType[]
  /** Whether the last operand may be repeated. */
  readonly variadic: boolean
  readonly result: 'string' | 'number' | 'bool'
}

/** The words of the route language, for editors that complete and colour them. */
export interface RouteVocabulary {
  /** In any letter case. */
  readonly keywords: readonly Keyword[]
  /** In any letter case. */
  readonly literals: readonly string[]
  readonly marks: readonly Mark[]
  readonly functions: readonly FunctionForm[]
  /** Without the dollar. */
  readonly systemProperties: readonly SystemPropertyName[]
  /** What routes can begin with. Source: hub reference, 1.3. */
  readonly sources: readonly string[]
}

/** The words of the route language. The grammar that joins them stands with `compileRoutes`. */
export const ROUTE_VOCABULARY: RouteVocabulary = Object.freeze({
  keywords: KEYWORDS,
  literals: [...LITERAL_WORDS.keys()],
  marks: MARKS,
  functions: [...BUILTINS.values()].flatMap(({ name, result, signatures }) =>
    signatures.map(({ operands, variadic = false }) => ({ name, operands, variadic, result })),
  ),
  systemProperties: SYSTEM_PROPERTIES.map(({ name }) => name),
  sources: ['/*', '/messages/*', '/messages/modules/*', '/twinChangeNotifications'],
})
