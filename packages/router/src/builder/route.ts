import type { RouteRule } from '@edgewright/core'
import { SYSTEM_PROPERTIES, type SystemPropertyName } from '../check/system-properties.js'
import { printExpression } from '../syntax/print.js'
import { quote } from '../syntax/string.js'
import { builtBody, builtProperty, treeOf } from './methods.js'
import type { RouteSink, RouteSource } from './places.js'
import type { BodyOf, Condition, TextValue } from './values.js'

/** What a condition can ask of a message. */
export interface MessageValues<Body> {
  /** The body, when it is JSON. */
  readonly body: BodyOf<Body>
  /** The system properties, by the names that routes have for them. */
  readonly system: Readonly<Record<SystemPropertyName, TextValue>>
  /** An application property, whatever its name; letter case does not count. */
  property(name: string): TextValue
}

/** How a built route ranks. */
export interface RouteTerms {
  /** 0 (first) to 9. @default after all of these */
  readonly priority?: number
  /** Seconds that a message may wait. @default the hub's own setting */
  readonly timeToLiveSecs?: number
}

/** A route that still lacks its sink. */
export interface RouteDraft<Body> {
  /** Takes only messages of which the condition is true. Several calls join with AND. */
  where(condition: (message: MessageValues<Body>) => Condition): RouteDraft<Body>
  /** Completes the route. */
  into(sink: RouteSink, terms?: RouteTerms): RouteRule
}

const SYSTEM_VALUES = Object.freeze(
  Object.fromEntries(SYSTEM_PROPERTIES.map(({ name }) => [name, builtProperty(name, 'system')])),
) as MessageValues<unknown>['system']

/**
 * Rules in code: names and types are checked by the compiler, and what comes out is a rule like any other, for
 * `compileRoutes` or for a deployment.
 *
 * @example
 * const sensor = module<{ outputs: { temperature: { celsius: number } } }>('sensor')
 * const hot = route.from(sensor.output('temperature')).where(m => m.body.celsius.gt(20)).into(upstream)
 * compileRoutes({ hot })
 */
export const route = Object.freeze({
  /** Begins a route with where its messages come from. */
  from: <Body>(source: RouteSource<Body>): RouteDraft<Body> => draft(source, []),
})

function draft<Body>(source: RouteSource<Body>, conditions: readonly Condition[]): RouteDraft<Body> {
  const values: MessageValues<Body> = {
    body: builtBody([]) as BodyOf<Body>,
    system: SYSTEM_VALUES,
    property: name => builtProperty(name, 'property'),
  }
  return {
    where: condition => draft(source, [...conditions, condition(values)]),
    into: (sink, terms = {}) => ({ route: print(source, conditions, sink), ...terms }),
  }
}

function print(source: RouteSource<unknown>, conditions: readonly Condition[], sink: RouteSink): string {
  const [first, ...others] = conditions
  const joined = others.reduce<Condition | undefined>((all, condition) => all?.and(condition), first)
  const where = joined === undefined ? '' : ` WHERE ${printExpression(treeOf(joined))}`
  const into = sink.kind === 'upstream' ? '$upstream' : `BrokeredEndpoint(${quote(sink.path, '"')})`
  return `FROM ${source.path}${where} INTO ${into}`
}
