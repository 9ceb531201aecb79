import type { Message, MessageSource, RouteDestination } from '@edgewright/core'
import { messagePath } from '../check/source-pattern.js'
import type { RouteLimits } from '../limits.js'
import type { Semantics } from '../semantics.js'
import { Candidates } from './candidates.js'
import type { CompiledRoute } from './compiled-route.js'
import type { Evaluation } from './evaluation.js'
import { SourceIndex } from './source-index.js'

/** What a table needs besides its routes. */
export interface RouteTableOptions {
  readonly semantics: Semantics
  readonly limits: Required<RouteLimits>
  /** The one whose slots the routes' conditions use. */
  readonly evaluation: Evaluation
}

/** Compiled routes: answers for each message where it goes. */
export class RouteTable {
  /** The routes in the order they were given; broken ones are not among them. */
  readonly routes: readonly CompiledRoute[]
  readonly semantics: Semantics
  /** The bounds it was compiled with. */
  readonly limits: Required<RouteLimits>
  readonly #evaluation: Evaluation
  readonly #index: SourceIndex
  readonly #bySource = new CandidatesBySource(source => this.#find(source))
  readonly #bySet = new Map<string, Candidates>()

  /** @internal Made by `compileRoutes`. */
  constructor(routes: readonly CompiledRoute[], { semantics, limits, evaluation }: RouteTableOptions) {
    this.routes = Object.freeze(routes)
    this.semantics = semantics
    this.limits = limits
    this.#evaluation = evaluation
    this.#index = new SourceIndex(routes.map(route => route.pattern))
  }

  /**
   * Where a message goes: one destination per endpoint, with the numerically lowest priority among the routes that
   * lead there and that route's time-to-live. Empty when no route matches.
   *
   * The array is frozen and shared: the same set of matching routes gives the same array. Never throws.
   */
  match(message: Message, source: MessageSource): readonly RouteDestination[] {
    return this.#bySource.get(source).match(this.#evaluation, message, source)
  }

  /** Sources with the same routes share their candidates. */
  #find(source: MessageSource): Candidates {
    const matches = this.#index.find(messagePath(source))
    let candidates = this.#bySet.get(matches.key)
    if (candidates === undefined) {
      candidates = new Candidates(matches.positions().map(position => this.routes[position]!))
      if (this.#bySet.size >= MAX_SETS) this.#bySet.clear()
      this.#bySet.set(matches.key, candidates)
    }
    return candidates
  }
}

const MAX_SETS = 4096
const MAX_SOURCES = 4096
/** Longer names are looked up every time, so that nobody fills the memory with them. */
const MAX_NAME_LENGTH = 512

/** Remembers candidates by source. What clients can make up is bounded: names of modules and outputs. */
class CandidatesBySource {
  readonly #find: (source: MessageSource) => Candidates
  readonly #modules = new Map<string, Candidates>()
  readonly #outputs = new Map<string, Map<string, Candidates>>()
  #device: Candidates | undefined
  #twinChange: Candidates | undefined
  #size = 0

  constructor(find: (source: MessageSource) => Candidates) {
    this.#find = find
  }

  get(source: MessageSource): Candidates {
    if (source.kind === 'twinChange') return (this.#twinChange ??= this.#find(source))
    if (source.moduleId === undefined) return (this.#device ??= this.#find(source))
    const known =
      source.output === undefined
        ? this.#modules.get(source.moduleId)
        : this.#outputs.get(source.moduleId)?.get(source.output)
    return known ?? this.#learn(source, source.moduleId, source.output)
  }

  #learn(source: MessageSource, moduleId: string, output: string | undefined): Candidates {
    const found = this.#find(source)
    if (moduleId.length + (output?.length ?? 0) > MAX_NAME_LENGTH) return found
    if (this.#size >= MAX_SOURCES) {
      this.#modules.clear()
      this.#outputs.clear()
      this.#size = 0
    }
    this.#size++
    if (output === undefined) {
      this.#modules.set(moduleId, found)
    } else {
      const outputs = this.#outputs.get(moduleId) ?? new Map<string, Candidates>()
      this.#outputs.set(moduleId, outputs.set(output, found))
    }
    return found
  }
}
