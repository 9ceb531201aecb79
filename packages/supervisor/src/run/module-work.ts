import { EdgewrightError, type ModuleRuntime, type PullProgress } from '@edgewright/core'
import type { ModulePlan, Step } from '../plan/plan-module.js'

/** Where the steps of a plan are carried out. */
export interface WorkParts {
  readonly planned: ModulePlan
  /** The runtime that has the module now, if any does. */
  readonly from: ModuleRuntime | undefined
  /** The runtime that is to have it; absent for a removal. */
  readonly to: ModuleRuntime | undefined
  /** Milliseconds that it has to end when it is stopped. */
  readonly grace: number
  /** Resolves when nobody else is at work on the module itself; fetching does not wait for it. */
  readonly isClear?: () => Promise<unknown>
}

/** One module's plan being carried out. A newer plan gives it up between two steps, or in one that can be. */
export class ModuleWork {
  readonly planned: ModulePlan
  /** Rejects with what the step failed with, or when the work was given up. */
  readonly done: Promise<void>
  readonly #parts: WorkParts
  readonly #abort = new AbortController()
  readonly #onStep: () => void
  #step: Step | undefined
  #progress: PullProgress | undefined

  /** @param onStep - called when a step begins, and when fetching has come further */
  constructor(parts: WorkParts, onStep: () => void) {
    this.#parts = parts
    this.#onStep = onStep
    this.planned = parts.planned
    this.done = Promise.resolve().then(() => this.#run())
  }

  /** The step that is being carried out. */
  get step(): Step | undefined {
    return this.#step
  }

  /** How far fetching has come; undefined when nothing is known of it. */
  get progress(): PullProgress | undefined {
    return this.#step === 'pull' ? this.#progress : undefined
  }

  get isGivenUp(): boolean {
    return this.#abort.signal.aborted
  }

  giveUp(): void {
    this.#abort.abort(new EdgewrightError('PLAN_SUPERSEDED', `The plan for ${this.planned.name} was given up`))
  }

  async #run(): Promise<void> {
    for (const step of this.planned.steps) {
      this.#abort.signal.throwIfAborted()
      this.#step = step
      this.#onStep()
      if (step !== 'pull') await this.#parts.isClear?.()
      await this.#perform(step, this.#abort.signal)
    }
  }

  async #perform(step: Step, signal: AbortSignal): Promise<void> {
    const { planned, from, to, grace } = this.#parts
    const { name, specification } = planned
    switch (step) {
      case 'stop':
        return await from?.stopModule(name, grace, signal)
      case 'remove':
        return await from?.remove(name, signal)
      case 'pull':
        return await to!.pull(specification!, signal, progress => {
          this.#progress = progress
          this.#onStep()
        })
      case 'create':
        return await to!.create(specification!, signal)
      case 'start':
        return await to!.startModule(name, signal)
    }
  }
}
