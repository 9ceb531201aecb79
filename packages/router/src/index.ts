export { type CompiledRoutes, type CompileOptions, compileRoutes, type RouteRules } from './compile-routes.js'
export type { CompiledRoute } from './compile/compiled-route.js'
export { RouteTable } from './compile/table.js'
export { RouteError, type RouteErrorCode } from './errors.js'
export { ROUTE_LIMITS, type RouteLimits } from './limits.js'
export type { Semantics } from './semantics.js'
export type { RouteWarning, RouteWarningCode } from './lint/warning.js'
export { type Explanation, type ExplainedExpression, explain, type RouteExplanation } from './explain.js'
export { formatExplanation, formatRouteErrors } from './format.js'
export { checkRoutes, readRouteDocument, type RouteDocument } from './document.js'
export type { LintOptions } from './lint/lint.js'
export {
  type DeclaredModule,
  everything,
  module,
  moduleMessages,
  type ModuleShape,
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
export { type DescribedMessage, readMessageDocument } from './message-document.js'
export { printRoute } from './syntax/print.js'
export { type FunctionForm, ROUTE_VOCABULARY, type RouteVocabulary } from './vocabulary.js'
