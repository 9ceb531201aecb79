import type { Message, MessageSource, RouteDestination } from '@edgewright/core'
import { type Checked, partsOf } from './check/checked.js'
import { matchesPath, messagePath } from './check/source-pattern.js'
import { whyUnusable } from './compile/json-body.js'
import { type CompiledRoute, targetKey } from './compile/compiled-route.js'
import { Compiler } from './compile/compiler.js'
import { Evaluation } from './compile/evaluation.js'
import type { RouteTable } from './compile/table.js'
import { MISSING, SOME_ARRAY, SOME_OBJECT, type Value } from './compile/value.js'

/** A part of a condition and what it came to. */
export interface ExplainedExpression {
  /** As it stands in the rule. */
  readonly text: string
  /** What the language calls undefined is absent. */
  readonly value?: Value
  /** Why there is no value, where that is not plain from the parts. */
  readonly note?: string
  /** The parts it was made from, in the order they are written. */
  readonly parts: readonly ExplainedExpression[]
}

/** What one route made of a message. */
export interface RouteExplanation {
  readonly route: string
  /** The rule as it was written. */
  readonly text: string
  readonly sourceMatched: boolean
  /** Absent when there is no condition, or the source did not match and nobody asked. */
  readonly condition?: ExplainedExpression
  /** Whether the message takes this route: its source matched and its condition is true. */
  readonly matched: boolean
  /** Where the route leads, at which priority and for how long. */
  readonly destination: RouteDestination
  /** The route that decided for the same endpoint instead of this one. */
  readonly overruledBy?: string
}

/** Why a message goes where it goes. */
export interface Explanation {
  /** The path that the message carries, like `/messages/modules/sensor/outputs/temperature`. */
  readonly source: string
  readonly routes: readonly RouteExplanation[]
  /** What the table answers for the message. */
  readonly destinations: readonly RouteDestination[]
}

/** Says for a message and every route of a table what the route made of it and why. Does not disturb the table. */
export function explain(table: RouteTable, message: Message, source: MessageSource): Explanation {
  const destinations = table.match(message, source)
  const explainer = new Explainer(table, message, source)
  return {
    source: sourcePath(source),
    routes: table.routes.map(route => explainer.route(route, destinations)),
    destinations,
  }
}

/** The path that a message carries, its names as they are spelled. */
function sourcePath(source: MessageSource): string {
  if (source.kind === 'twinChange') return '/twinChangeNotifications'
  if (source.moduleId === undefined) return '/messages'
  return `/messages/modules/${source.moduleId}${source.output ? `/outputs/${source.output}` : ''}`
}

class Explainer {
  readonly #table: RouteTable
  readonly #message: Message
  readonly #source: MessageSource
  readonly #path: readonly string[]
  readonly #evaluation: Evaluation
  readonly #compiler: Compiler

  constructor(table: RouteTable, message: Message, source: MessageSource) {
    const { semantics, limits } = table
    this.#table = table
    this.#message = message
    this.#source = source
    this.#path = messagePath(source)
    this.#evaluation = new Evaluation(semantics, limits.bodyBytes)
    this.#compiler = new Compiler({ semantics, evaluation: this.#evaluation, textLength: limits.textLength })
    this.#evaluation.begin(message, source)
  }

  route(route: CompiledRoute, destinations: readonly RouteDestination[]): RouteExplanation {
    const { name, text, pattern, condition, destination } = route
    const sourceMatched = matchesPath(pattern, this.#path)
    const asked = sourceMatched && condition !== undefined
    const explained = asked ? this.#expression(condition, text) : undefined
    const matched = sourceMatched && (condition === undefined || explained?.value === true)
    const key = targetKey(destination.target)
    const winner = destinations.find(other => targetKey(other.target) === key)
    return {
      route: name,
      text,
      sourceMatched,
      ...(explained && { condition: explained }),
      matched,
      destination,
      ...(matched && winner !== undefined && winner.route !== name && { overruledBy: winner.route }),
    }
  }

  #expression(node: Checked, text: string): ExplainedExpression {
    const value = this.#compiler.value(node)(this.#evaluation)
    const parts = node.kind === 'shadow' ? [] : partsOf(node).map(part => this.#expression(part, text))
    const shown = value === MISSING ? undefined : value
    const note = this.#note(node, value)
    return { text: text.slice(node.start, node.end), ...(shown !== undefined && { value: shown }), ...note, parts }
  }

  #note(node: Checked, value: Value): { note: string } | undefined {
    const note = this.#whyEmpty(node, value)
    return note === undefined ? undefined : { note }
  }

  #whyEmpty(node: Checked, value: Value): string | undefined {
    if (node.type === 'string' && value === null) return 'the property came without a value'
    if (value === SOME_OBJECT || value === SOME_ARRAY) return 'objects and arrays compare with nothing'
    if (value !== undefined && value !== MISSING) return undefined
    switch (node.kind) {
      case 'property':
        return 'the message has no such property'
      case 'system':
        return 'the message has no such system property'
      case 'body':
      case 'shadow':
        return this.#whyNoBodyValue(value)
      default:
        return undefined
    }
  }

  #whyNoBodyValue(value: Value): string {
    if (value === MISSING) return 'the body has nothing there'
    const { semantics, limits } = this.#table
    return (
      whyUnusable(this.#message, this.#source, semantics, limits.bodyBytes) ??
      'an object, an array or a date has no value here'
    )
  }
}
