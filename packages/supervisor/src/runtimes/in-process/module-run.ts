import {
  type Clock,
  describeError,
  EdgewrightError,
  type HubSession,
  type Logger,
  type ModuleHost,
  type ModuleSpecification,
  type SessionEnd,
} from '@edgewright/core'
import { createContext } from './create-context.js'
import type { ModuleFunction } from './module-context.js'
import { ModulePeer } from './module-peer.js'

/** What one run of a module needs. */
export interface ModuleRunParts {
  readonly specification: ModuleSpecification
  readonly body: ModuleFunction
  readonly host: ModuleHost
  readonly clock: Clock
  /** The module's own log. */
  readonly logger: Logger
  /** Milliseconds to end by itself when the hub closes its session. */
  readonly grace: number
}

/** How a run ended. Codes as a process would give: 0, 1, or 137 for one that had to be given up. */
export interface RunEnd {
  readonly exitCode: number
  readonly reason?: string
}

/** One run of a module function, from its session's opening to its closing. */
export class ModuleRun {
  /** Resolves when the function has its session and runs; rejects when it gets none. */
  readonly started: Promise<void>
  /** Never rejects. */
  readonly ended: Promise<RunEnd>

  readonly #parts: ModuleRunParts
  readonly #peer: ModulePeer
  readonly #stop = new AbortController()
  /** Rejects when the run is not waited for any longer. */
  readonly #givenUp: Promise<never>
  #giveUp!: (reason: unknown) => void
  #lost: SessionEnd | undefined
  #opened = false
  #over = false

  constructor(parts: ModuleRunParts) {
    this.#parts = parts
    this.#peer = new ModulePeer(parts.logger, end => this.#sessionEnded(end))
    this.#givenUp = new Promise((_, reject) => {
      this.#giveUp = reject
    })
    const opened = this.#open()
    this.started = opened.then(() => undefined)
    this.ended = opened.then(
      session => this.#perform(session),
      error => this.#verdict(error),
    )
    // Nobody needs to wait for either.
    this.started.catch(() => undefined)
    this.#givenUp.catch(() => undefined)
  }

  /** Whether it was told to end. */
  get stopping(): boolean {
    return this.#stop.signal.aborted
  }

  /** Tells the function to end, and gives it up when it has not after `grace` milliseconds, or was not called yet. */
  async stop(grace: number): Promise<void> {
    this.#tellToEnd()
    if (!this.#opened) this.#giveUp(this.#stop.signal.reason)
    const timer = this.#parts.clock.after(grace, () => this.#giveUp(timedOut(this.#parts.specification.name, grace)))
    await this.ended
    timer.cancel()
  }

  async #open(): Promise<HubSession> {
    const opening = this.#parts.host.connect(this.#parts.specification.name, this.#peer)
    try {
      return await Promise.race([opening, this.#givenUp])
    } catch (error) {
      opening.then(
        late => late.close({ kind: 'client-left' }),
        () => undefined,
      )
      throw error
    }
  }

  async #perform(session: HubSession): Promise<RunEnd> {
    this.#opened = true
    try {
      const signal = this.#stop.signal
      signal.addEventListener('abort', () => this.#peer.end(), { once: true })
      const context = createContext({ ...this.#parts, session, peer: this.#peer, signal })
      await Promise.race([this.#parts.body(context), this.#givenUp])
      return this.#verdict()
    } catch (error) {
      return this.#verdict(error)
    } finally {
      this.#over = true
      this.#tellToEnd()
      session.close({ kind: 'client-left' })
    }
  }

  #verdict(error?: unknown): RunEnd {
    const lost = this.#lost
    if (EdgewrightError.is(error, 'MODULE_STOP_TIMEOUT')) return { exitCode: 137, reason: describeError(error) }
    if (lost !== undefined && lost.kind !== 'hub-stopping')
      return { exitCode: 1, reason: `session ended: ${lost.kind}` }
    if (error === undefined || (this.stopping && error === this.#stop.signal.reason)) return { exitCode: 0 }
    return { exitCode: 1, reason: describeError(error) }
  }

  #tellToEnd(): void {
    this.#stop.abort(new EdgewrightError('MODULE_STOPPING', `${this.#parts.specification.name} is to end`))
  }

  #sessionEnded(end: SessionEnd): void {
    if (this.#over) return
    this.#lost ??= end
    void this.stop(this.#parts.grace)
  }
}

function timedOut(module: string, grace: number): EdgewrightError {
  return new EdgewrightError('MODULE_STOP_TIMEOUT', `It had not ended ${grace} ms after it was told to`, {
    place: module,
    remedy: 'Let the module return when its signal is aborted.',
  })
}
