import { randomUUID } from 'node:crypto'
import { describeError, type JsonObject } from '@edgewright/core'
import { hideInText } from '../hide-secrets.js'

/** A task as its status is told. */
export interface TaskStatus extends JsonObject {
  readonly status: 'NotStarted' | 'Running' | 'Completed' | 'Failed' | 'Cancelled' | 'Unknown'
  readonly message: string
  readonly correlationId: string
}

/** Tasks whose end is remembered. */
const MAX_REMEMBERED = 100

/** Tasks that run at the same time; more are refused as failed. */
const MAX_RUNNING = 4

/** What methods began that takes longer than an answer. */
export class AgentTasks {
  readonly #statuses = new Map<string, TaskStatus>()
  readonly #running = new Map<AbortController, Promise<void>>()

  /** Begins a task; what it comes to is asked for by its correlation id. */
  begin(perform: (signal: AbortSignal) => Promise<void>): TaskStatus {
    const correlationId = randomUUID()
    if (this.#running.size >= MAX_RUNNING) return this.#note(correlationId, 'Failed', 'Too many tasks are under way')
    const ending = new AbortController()
    const done = perform(ending.signal).then(
      () => void this.#note(correlationId, 'Completed', ''),
      error => {
        const reason = hideInText(describeError(error))
        const failed = `Task ${correlationId} failed because of error ${reason}`
        this.#note(correlationId, ending.signal.aborted ? 'Cancelled' : 'Failed', failed)
      },
    )
    this.#running.set(
      ending,
      done.then(() => void this.#running.delete(ending)),
    )
    return this.#note(correlationId, 'Running', '')
  }

  /** How a task fares; `Unknown` for one that is not remembered. */
  status(correlationId: string): TaskStatus {
    return this.#statuses.get(correlationId) ?? { status: 'Unknown', message: '', correlationId }
  }

  /** Gives up what is under way. */
  async stop(): Promise<void> {
    for (const ending of this.#running.keys()) ending.abort()
    await Promise.all(this.#running.values())
  }

  #note(correlationId: string, status: TaskStatus['status'], message: string): TaskStatus {
    const noted = { status, message, correlationId }
    this.#statuses.set(correlationId, noted)
    const [oldest] = this.#statuses.keys()
    if (this.#statuses.size > MAX_REMEMBERED && oldest !== undefined) this.#statuses.delete(oldest)
    return noted
  }
}
