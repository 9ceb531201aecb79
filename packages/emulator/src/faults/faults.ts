import { type Clock, type Identity, identityFromKey, identityKey, type Logger, type Timer } from '@edgewright/core'
import type { Line } from '../network/line.js'
import type { Principal } from '../state/authority.js'
import type { ClientOwner } from '../state/clients.js'
import { HubError } from '../state/hub-error.js'
import type { Fault, FaultEffect, FaultRate, FaultSpecification, FaultTarget } from './fault.js'
import { lineShape } from './line-shape.js'
import { seededRandom } from './random.js'
import { sideOf, type Side } from './side.js'
import { fits, type Subject } from './subject.js'

/** What faults stand on. */
export interface FaultsOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** The same seed, the same faults in the same places. */
  readonly seed: number
}

/** A connection, as far as faults know it. */
interface Connection {
  readonly line: Line
  /** Keys of the identities it has proven. */
  readonly identities: Set<string>
  readonly sides: Set<Side>
  /** Who parts from one of the identities; known as soon as there is one. */
  owner?: ClientOwner
}

interface Active extends Fault {
  strikes: number
  /** How often it might have struck. */
  chances: number
  timer: Timer | undefined
}

/** What {@link Faults.request} says of an HTTP request. */
export type RequestFate =
  | { readonly kind: 'answer'; readonly after: number }
  | { readonly kind: 'drop' }
  | { readonly kind: 'silence' }

/** What an operation is about, for faults that hit messages; a patch of reported properties is a `twin` request first. */
export type FaultyOperation = 'telemetry' | 'twin' | 'report'

/** Everything that may go wrong with an emulated hub, when it is told to. */
export class Faults {
  readonly #options: FaultsOptions
  readonly #random: () => number
  readonly #active = new Map<number, Active>()
  readonly #connections = new Map<Line, Connection>()
  #nextId = 1

  constructor(options: FaultsOptions) {
    this.#options = options
    this.#random = seededRandom(options.seed)
  }

  /** Makes something go wrong from now on. @returns lifts it again */
  inject(specification: FaultSpecification): Fault & { lift(): void } {
    const fault: Active = { id: this.#nextId++, specification, strikes: 0, chances: 0, timer: undefined }
    this.#active.set(fault.id, fault)
    const { duration } = specification
    if (duration !== undefined) fault.timer = this.#options.clock.after(duration, () => this.lift(fault.id))
    this.#options.logger.log('info', 'Fault injected', { id: fault.id, ...specification })
    if (specification.kind === 'cut') this.#cut(fault)
    this.#reshape()
    return Object.assign(fault, { lift: () => this.lift(fault.id) })
  }

  /** Lifts a fault. @returns false when there is none with this id */
  lift(id: number): boolean {
    const fault = this.#active.get(id)
    if (fault === undefined) return false
    fault.timer?.cancel()
    this.#active.delete(id)
    this.#options.logger.log('info', 'Fault lifted', { id, kind: fault.specification.kind })
    this.#reshape()
    return true
  }

  /** Lifts all, or all of a kind. */
  clear(kind?: FaultEffect['kind']): void {
    for (const { id, specification } of this.list())
      if (kind === undefined || specification.kind === kind) this.lift(id)
  }

  /** Those at work, in the order of injection. */
  list(): readonly Fault[] {
    return [...this.#active.values()]
  }

  /** Drops the connections of a target, once. */
  drop(target: FaultTarget = {}): void {
    for (const connection of [...this.#connections.values()]) {
      if (this.#touches(target, connection)) connection.line.destroy()
    }
  }

  /** Makes the tokens of a target lapse now, as if their time had come. */
  expireTokens(target: FaultTarget = {}): void {
    for (const { line, identities, owner } of [...this.#connections.values()]) {
      for (const key of [...identities]) {
        if (fits(target, { line, side: 'device', identity: key })) owner?.part(identityFromKey(key), 'expired')
      }
    }
  }

  /**
   * Takes the hub to another place: every connection ends, and none is taken for a while.
   *
   * @param duration - milliseconds
   */
  failOver(duration = 5_000): void {
    this.inject({ kind: 'cut', duration })
  }

  /** Whether connections to a port may come at all, before they have said anything. */
  admits(port: 'mqtt' | 'amqp' | 'https'): boolean {
    return !this.#isRefused({
      side: port === 'mqtt' ? 'device' : undefined,
      transport: port === 'https' ? undefined : port,
    })
  }

  /** A connection has come. @returns false when it must go at once */
  opened(line: Line): boolean {
    const connection: Connection = { line, identities: new Set(), sides: new Set() }
    if (line.info.transport.startsWith('mqtt')) connection.sides.add('device')
    this.#connections.set(line, connection)
    line.once('end', () => this.#connections.delete(line))
    if (this.#isRefused({ line, side: [...connection.sides][0] })) return false
    this.#reshapeOne(connection)
    return true
  }

  /** Whether a connection may go on, now that it has proven this; of one identity among others, only that is refused. */
  proven(line: Line, principal: Principal, owner: ClientOwner): 'welcome' | 'drop' | 'refuse' {
    const connection = this.#connections.get(line)
    if (connection === undefined) return 'drop'
    const side = sideOf(principal)
    const identity = principal.kind === 'identity' ? identityKey(principal.identity) : undefined
    connection.owner = owner
    connection.sides.add(side)
    if (identity !== undefined) connection.identities.add(identity)
    this.#reshapeOne(connection)
    if (this.#isRefused({ line, side })) return 'drop'
    return this.#isRefused({ line, side, identity }) ? 'refuse' : 'welcome'
  }

  /** Sees whether an operation goes wrong. @throws what it is refused with; the connection may be gone then */
  strike(identity: Identity, operation: FaultyOperation): void {
    const key = identityKey(identity)
    for (const fault of this.#active.values()) {
      const { specification } = fault
      if (!strikes(specification, operation)) continue
      if (specification.target !== undefined && !this.#isMeant(specification.target, key)) continue
      if (!this.#isDue(fault, specification)) continue
      fault.strikes += 1
      if (specification.kind === 'throttle') throw new HubError('Throttled', 'Too many requests')
      if (specification.kind === 'reject') throw new HubError(specification.as ?? 'ServerError', 'Refused by a fault')
      for (const { line, identities } of [...this.#connections.values()]) if (identities.has(key)) line.destroy()
      throw new HubError('ServiceUnavailable', 'Dropped by a fault')
    }
  }

  /** What becomes of an HTTP request. @throws `HUB_THROTTLED` */
  request(principal: Principal): RequestFate {
    const identity = principal.kind === 'identity' ? identityKey(principal.identity) : undefined
    const subject = { side: sideOf(principal), identity, transport: 'https' as const }
    let after = 0
    for (const fault of this.#active.values()) {
      const { specification } = fault
      if (!fits(specification.target ?? {}, subject)) continue
      if (specification.kind === 'cut' || specification.kind === 'refuse') return { kind: 'drop' }
      if (specification.kind === 'silence') return { kind: 'silence' }
      if (specification.kind === 'delay')
        after += specification.milliseconds + this.#random() * (specification.jitter ?? 0)
      if (specification.kind === 'throttle' && this.#isDue(fault, specification)) {
        fault.strikes += 1
        throw new HubError('Throttled', 'Too many requests')
      }
    }
    return { kind: 'answer', after }
  }

  #cut(fault: Active): void {
    const target = fault.specification.target ?? {}
    const { identity } = target
    for (const connection of [...this.#connections.values()]) {
      if (!this.#touches(target, connection)) continue
      if (identity === undefined) connection.line.destroy()
      else connection.owner?.part(identityFromKey(identity), 'fault')
    }
  }

  #reshape(): void {
    for (const connection of this.#connections.values()) this.#reshapeOne(connection)
  }

  #reshapeOne(connection: Connection): void {
    const effects = [...this.#active.values()]
      .map(({ specification }) => specification)
      .filter(({ target }) => this.#touches(target ?? {}, connection))
    connection.line.shape(lineShape(effects, this.#random))
  }

  /** Whether a target is met by a connection as a whole. */
  #touches(target: FaultTarget, { line, identities, sides }: Connection): boolean {
    if (target.side !== undefined && !sides.has(target.side)) return false
    if (target.identity !== undefined && !identities.has(target.identity)) return false
    const { side: _, identity: __, ...rest } = target
    return fits(rest, { line })
  }

  /** Whether an identity, on any of its connections, is meant. */
  #isMeant(target: FaultTarget, key: string): boolean {
    if (target.connection === undefined && target.transport === undefined)
      return fits(target, { side: 'device', identity: key })
    for (const { line, identities } of this.#connections.values()) {
      if (identities.has(key) && fits(target, { line, side: 'device', identity: key })) return true
    }
    return false
  }

  #isRefused(subject: Subject): boolean {
    for (const { specification } of this.#active.values()) {
      if (specification.kind !== 'cut' && specification.kind !== 'refuse') continue
      if (fits(specification.target ?? {}, subject)) return true
    }
    return false
  }

  #isDue(fault: Active, { nth, every, probability }: FaultRate): boolean {
    fault.chances += 1
    if (nth !== undefined) return fault.chances === nth
    if (every !== undefined) return fault.chances % every === 0
    return probability === undefined || this.#random() < probability
  }
}

function strikes(
  effect: FaultSpecification,
  operation: FaultyOperation,
): effect is FaultSpecification & { readonly kind: 'throttle' | 'reject' | 'drop' } {
  if (effect.kind === 'throttle') return operation !== 'report'
  if (effect.kind === 'reject') return operation === (effect.of ?? 'telemetry')
  return effect.kind === 'drop' && operation === 'telemetry'
}
