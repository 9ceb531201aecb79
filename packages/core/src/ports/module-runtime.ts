import type { Startable } from '../lifecycle.js'

/** What a runtime is asked to run. What `settings` holds is the runtime's own business. */
export interface ModuleSpecification {
  readonly name: string
  /** Which runtime runs it: `docker`, `process`, `in-process`, … */
  readonly type: string
  readonly settings: Readonly<Record<string, unknown>>
  readonly environment: Readonly<Record<string, string>>
}

/** Where a module stands on its runtime. */
export type ModuleState = 'created' | 'running' | 'unhealthy' | 'stopped' | 'failed'

/** A module as its runtime sees it. */
export interface ModuleObservation {
  readonly name: string
  readonly state: ModuleState
  /** Milliseconds since 1970. */
  readonly startedAt?: number | undefined
  readonly exitedAt?: number | undefined
  readonly exitCode?: number | undefined
  /** Whether it says of itself that it is ready; absent when it says nothing about it. */
  readonly isReady?: boolean | undefined
  /** Which image it was made from, as `sha256:…`, where there are images. */
  readonly imageDigest?: string | undefined
  /** Why it is not running, in the runtime's words. */
  readonly reason?: string | undefined
  /** What it was created from. */
  readonly specification: ModuleSpecification
}

/** One line that a module wrote. */
export interface ModuleLogLine {
  readonly time: number
  readonly stream: 'stdout' | 'stderr'
  readonly text: string
}

/** How far fetching has come; the total grows while more becomes known. */
export interface PullProgress {
  readonly doneBytes: number
  readonly totalBytes: number
}

/** Which lines of a module's log to give. */
export interface ModuleLogQuery {
  readonly tail?: number | undefined
  readonly since?: number | undefined
  readonly until?: number | undefined
  readonly follow?: boolean | undefined
}

/**
 * Observes and changes modules of one kind. Every call may be repeated: what is so already is no error.
 *
 * Errors: `MODULE_EXISTS` (there is one of that name, made from something else), `MODULE_NOT_FOUND`,
 * `MODULE_NOT_AVAILABLE` (what it is to be made of does not exist), `ENGINE_UNAVAILABLE` (what runs its modules does not
 * answer now: it starts all the same, and calls `watch` listeners when it knows more), `NOT_RUNNING`.
 */
export interface ModuleRuntime extends Startable {
  /** What `type` of a specification it takes. */
  readonly type: string
  list(signal?: AbortSignal): Promise<readonly ModuleObservation[]>
  /** Calls on each change until the signal is aborted; without an observation when the module is gone. */
  watch(listener: (name: string, observation: ModuleObservation | undefined) => void, signal: AbortSignal): void
  /**
   * Fetches what `create` will need; resolves at once when nothing is to be fetched. What was fetched before a failure is
   * not fetched again, where its source lets that be.
   *
   * @param onProgress - called now and then, never more than about a hundred times
   */
  pull(
    specification: ModuleSpecification,
    signal?: AbortSignal,
    onProgress?: (progress: PullProgress) => void,
  ): Promise<void>
  create(specification: ModuleSpecification, signal?: AbortSignal): Promise<void>
  /** Resolves when it runs. */
  startModule(name: string, signal?: AbortSignal): Promise<void>
  /**
   * Resolves when it has ended. One that had to be ended by force has failed, with exit code 137.
   *
   * @param grace - milliseconds the module has to end by itself
   */
  stopModule(name: string, grace: number, signal?: AbortSignal): Promise<void>
  /** Ends it by force when it runs. */
  remove(name: string, signal?: AbortSignal): Promise<void>
  logs(name: string, query?: ModuleLogQuery, signal?: AbortSignal): AsyncIterable<ModuleLogLine>
}

/** Checks an image before anything is made of it. */
export interface ImageVerifier {
  /**
   * @param reference - image reference as the deployment gives it
   * @returns the digest to use, and what proved it
   * @throws `IMAGE_REFUSED`
   */
  verify(reference: string, signal?: AbortSignal): Promise<{ readonly digest: string; readonly evidence: string }>
}
