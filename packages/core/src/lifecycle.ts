import { EventEmitter } from 'eventemitter3'
import { EdgewrightError } from './errors.js'

/** Something that runs. Both calls may be repeated and may overlap; each resolves when the state it names is reached. */
export interface Startable extends AsyncDisposable {
  /** Resolves when ready for use. A failed start leaves the thing stopped, and may be tried again. */
  start(): Promise<void>
  /** Resolves when everything accepted is safe and everything held is released; never before. */
  stop(): Promise<void>
}

/** Where a {@link Service} stands. */
export type ServiceState = 'stopped' | 'starting' | 'running' | 'stopping'

/**
 * The usual way to be {@link Startable}: subclasses say what to do, this class sees that it is done once and in turn.
 *
 * @typeParam Events - event name → listener arguments; emitted with the methods of eventemitter3.
 */
export abstract class Service<Events extends EventEmitter.ValidEventTypes = Record<never, never>>
  extends EventEmitter<Events>
  implements Startable
{
  #state: ServiceState = 'stopped'
  #transition: Promise<void> = Promise.resolve()

  /** Where this service stands. */
  get state(): ServiceState {
    return this.#state
  }

  start(): Promise<void> {
    return this.#then(async () => {
      if (this.#state === 'running') return
      this.#state = 'starting'
      try {
        await this.onStart()
        this.#state = 'running'
      } catch (error) {
        this.#state = 'stopping'
        await this.onStop().catch(() => undefined)
        this.#state = 'stopped'
        throw error
      }
    })
  }

  stop(): Promise<void> {
    return this.#then(async () => {
      if (this.#state === 'stopped') return
      this.#state = 'stopping'
      try {
        await this.onStop()
      } finally {
        this.#state = 'stopped'
      }
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /** Throws `NOT_RUNNING` unless started. */
  protected assertRunning(): void {
    if (this.#state !== 'running') {
      throw new EdgewrightError('NOT_RUNNING', `${this.constructor.name} is ${this.#state}`, {
        remedy: 'Call start() first, and nothing after stop().',
      })
    }
  }

  /** Brings everything up. When it throws, `onStop` is called to release what was taken so far. */
  protected abstract onStart(): Promise<void>
  /** Releases everything, also after a start that failed half way. */
  protected abstract onStop(): Promise<void>

  #then(step: () => Promise<void>): Promise<void> {
    const next = this.#transition.then(step, step)
    this.#transition = next.catch(() => undefined)
    return next
  }
}

/**
 * Runs every step in order, also after one failed, and throws the sum of the failures at the end.
 * For teardown, where a failure must not leave the rest undone.
 *
 * @throws the single failure, or an `AggregateError` of several.
 */
export async function settleInOrder(steps: Iterable<() => Promise<unknown>>): Promise<void> {
  const failures: unknown[] = []
  for (const step of steps) {
    try {
      await step()
    } catch (failure) {
      failures.push(failure)
    }
  }
  if (failures.length === 1) throw failures[0]
  if (failures.length > 1) throw new AggregateError(failures, `${failures.length} steps failed`)
}
