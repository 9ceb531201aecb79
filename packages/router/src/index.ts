// Compiling and asking.
export type { RouteSchema } from './check/rule.js'
export type { CompiledRoute } from './compile/compiled-route.js'
export { RouteTable } from './compile/table.js'
export { type CompiledRoutes, type CompileOptions, compileRoutes, type RouteRules } from './compile-routes.js'
export { RouteError, type RouteErrorCode } from './errors.js'
export { ROUTE_LIMITS, type RouteLimits } from './limits.js'
export type { LintOptions } from './lint/lint.js'
export type { RouteWarning, RouteWarningCode } from './lint/warning.js'
export type { Semantics } from './semantics.js'

// Explaining.
export { type ExplainedExpression, type Explanation, explain, type RouteExplanation } from './explain.js'
export { formatExplanation, formatRouteErrors } from './format.js'

// Documents.
export { checkRoutes, type RouteDocument, readRouteDocument } from './document.js'
export { type DescribedMessage, readMessageDocument } from './message-document.js'

// Rules in code.
export {
  type DeclaredModule,
  everything,
  type ModuleShape,
  module,
  moduleMessages,
  type OpenModule,
  type RouteSink,
  type RouteSource,
  telemetry,
  twinChanges,
  upstream,
} from './builder/places.js'
export { type MessageValues, type RouteDraft, type RouteTerms, route } from './builder/route.js'
export type {
  BodyOf,
  Condition,
  NumberValue,
  Operand,
  OrderedValue,
  TextValue,
  Value,
  ValueOf,
} from './builder/values.js'

// The language itself.
export { printRoute } from './syntax/print.js'
export { type FunctionForm, ROUTE_VOCABULARY, type RouteVocabulary } from './vocabulary.js'
