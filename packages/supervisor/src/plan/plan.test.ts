import type { ModuleObservation, ModuleState } from '@edgewright/core'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DesiredModule } from '../manifest/deployment.js'
import { differences } from '../manifest/differences.js'
import { type ModuleMemory, NO_MEMORY } from './module-memory.js'
import { type Plan, type PlanInput, plan } from './plan.js'
import type { ModulePlan } from './plan-module.js'
import { RESTART_DEFAULTS } from './restart-policy.js'

const options = { ...RESTART_DEFAULTS, settleAfter: 5_000 }

const names = ['a', 'b', 'c', 'd', 'e', 'f']
const states: ModuleState[] = ['created', 'running', 'unhealthy', 'stopped', 'failed']

const specifications = (name: string) =>
  fc.record({
    name: fc.constant(name),
    type: fc.constant('docker'),
    settings: fc.record({
      image: fc.constantFrom('app:1', 'app:2'),
      createOptions: fc.constantFrom({}, { Tty: true }),
    }),
    environment: fc.constantFrom<Record<string, string>>({}, { DEBUG: '1' }),
  })

const desiredModules = (name: string): fc.Arbitrary<DesiredModule> =>
  fc.record({
    specification: specifications(name),
    version: fc.constantFrom('', '1'),
    status: fc.constantFrom('running' as const, 'running' as const, 'stopped' as const),
    restartPolicy: fc.constantFrom('never' as const, 'on-failure' as const, 'on-unhealthy' as const, 'always' as const),
    imagePullPolicy: fc.constantFrom('on-create' as const, 'never' as const),
    startupOrder: fc.constantFrom(0, 1, 2, 4_294_967_295),
  })

const observations = (name: string): fc.Arbitrary<ModuleObservation> =>
  fc.record({ name: fc.constant(name), state: fc.constantFrom(...states), specification: specifications(name) })

const subsets = <T>(make: (name: string) => fc.Arbitrary<T>) =>
  fc.subarray(names).chain(chosen => fc.tuple(...chosen.map(make)))

const memories = fc.dictionary(
  fc.constantFrom(...names),
  fc.record({ restarts: fc.nat(25), failedAttempts: fc.nat(5), stoppedOnPurpose: fc.boolean() }),
)

/** A world in which every step succeeds, at once. */
class World {
  readonly log: string[] = []
  readonly memory: Map<string, ModuleMemory>
  readonly observed: Map<string, ModuleObservation>
  now = 1_000_000

  constructor(
    readonly desired: readonly DesiredModule[],
    observed: readonly ModuleObservation[],
    memory: Record<string, Partial<ModuleMemory>>,
  ) {
    this.observed = new Map(observed.map(observation => [observation.name, observation]))
    const remembered = (name: string) => ({ ...NO_MEMORY, attemptedAt: this.now, seenAt: this.now, ...memory[name] })
    this.memory = new Map(names.map(name => [name, remembered(name)]))
  }

  plan(): Plan {
    const input: PlanInput = { ...this, observed: [...this.observed.values()] }
    return plan(input, options)
  }

  /** Carries out what is due; lets time pass when nothing is. Ends when nothing will ever be. */
  settle(check: (planned: ModulePlan) => void): void {
    for (let round = 0; round < 200; round++) {
      const { due, nextAt } = this.plan()
      due.forEach(check)
      for (const planned of due) this.carryOut(planned)
      if (due.length > 0) continue
      if (!Number.isFinite(nextAt)) return
      expect(nextAt).toBeGreaterThan(this.now)
      this.now = nextAt
    }
    expect.fail(`never settles: ${this.log.join(', ')}`)
  }

  carryOut({ name, action, steps, specification }: ModulePlan): void {
    this.log.push(`${action} ${name}`)
    const before = this.memory.get(name)!
    const restarts = action === 'restart' ? before.restarts + 1 : action === 'start' ? before.restarts : 0
    const stoppedOnPurpose = action === 'stop'
    this.memory.set(name, { ...before, restarts, failedAttempts: 0, stoppedOnPurpose, seenAt: this.now })
    for (const step of steps) {
      if (step === 'remove') this.observed.delete(name)
      else if (step === 'create') this.observed.set(name, { name, state: 'created', specification: specification! })
      else if (step !== 'pull') this.see(name, step === 'start' ? 'running' : 'stopped')
    }
  }

  see(name: string, state: ModuleState): void {
    this.observed.set(name, { ...this.observed.get(name)!, state })
  }
}

describe('plan', () => {
  it('leads from anything to what is wanted, in order, and touches nothing else', () => {
    fc.assert(
      fc.property(subsets(desiredModules), subsets(observations), memories, (desired, observed, memory) => {
        const world = new World(desired, observed, memory)
        const wanted = new Map(desired.map(module => [module.specification.name, module]))
        const gaveUp = new Set<string>()
        world.settle(planned => {
          const target = wanted.get(planned.name)
          if (planned.steps.includes('start')) assertLowerOrdersUp(world, target!, wanted)
          if (target === undefined || planned.action === 'forget') return
          const seen = world.observed.get(planned.name)
          const isAsWanted =
            seen?.state === 'running' && differences(seen.specification, target.specification).length === 0
          expect(isAsWanted && target.status === 'running').toBe(false)
        })
        for (const planned of world.plan().later) if (planned.action === 'give-up') gaveUp.add(planned.name)
        expect(world.plan().due).toEqual([])
        expect(new Set(world.observed.keys())).toEqual(new Set(wanted.keys()))
        for (const [name, { specification, status, restartPolicy }] of wanted) {
          const seen = world.observed.get(name)!
          expect(differences(seen.specification, specification)).toEqual([])
          if (status === 'stopped') expect(['running', 'unhealthy']).not.toContain(seen.state)
          else if (restartPolicy === 'always' && !gaveUp.has(name)) expect(seen.state).toBe('running')
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it('is the same for the same input', () => {
    fc.assert(
      fc.property(subsets(desiredModules), subsets(observations), (desired, observed) => {
        expect(new World(desired, observed, {}).plan()).toEqual(new World(desired, observed, {}).plan())
      }),
    )
  })
})

/** What comes up must not come up before lower orders have: each must run, or not be on its way to. */
function assertLowerOrdersUp(world: World, module: DesiredModule, wanted: ReadonlyMap<string, DesiredModule>): void {
  for (const [name, lower] of wanted) {
    if (lower.startupOrder >= module.startupOrder || lower.status !== 'running') continue
    const { restarts, failedAttempts, seenAt } = world.memory.get(name)!
    if (restarts > 0 || failedAttempts > 0) continue
    const seen = world.observed.get(name)
    expect(seen?.state).not.toBe('created')
    expect(seen).toBeDefined()
    if (seen!.state === 'running') expect(world.now - seenAt).toBeGreaterThanOrEqual(options.settleAfter)
  }
}
