import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock, Logger, Meter } from '@edgewright/core'
import { forbidden, notFound, tooManyRequests, type WorkloadAnswer, WorkloadRefusal, writeAnswer } from './answer.js'
import { readApiVersion } from './api-version.js'
import { parseBody, readBody } from './body.js'
import type { WorkloadLimits } from './limits.js'
import type { WorkloadIdentity } from './module-directory.js'
import type { OperationComponents } from './operation.js'
import { EXTRA_COST, IDENTITY_OPERATIONS, SHARED_OPERATIONS } from './operations.js'
import { RequestBudget } from './request-budget.js'
import { findRoute, type WorkloadRoute } from './route.js'

/** What a {@link ModuleAccess} works with. */
export interface ModuleAccessComponents {
  readonly operations: OperationComponents
  readonly limits: Required<WorkloadLimits>
  readonly clock: Clock
  readonly logger: Logger
  readonly meter: Meter
}

/** One module's way to the workload API: whoever comes through it is that module, and may use no other identity. */
export class ModuleAccess {
  readonly #moduleId: string
  readonly #parts: ModuleAccessComponents
  readonly #budget: RequestBudget
  readonly #ending = new AbortController()

  constructor(moduleId: string, parts: ModuleAccessComponents) {
    this.#moduleId = moduleId
    this.#parts = parts
    this.#budget = new RequestBudget(parts.limits, parts.clock)
  }

  /** Answers a request, whatever it is. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const admission = this.#budget.enter()
    if (admission === 'crowded') {
      this.#count('dropped')
      request.socket.destroy()
      return
    }
    const answer = admission === 'too-fast' ? tooManyRequests().answer : await this.#answer(request)
    if (admission === 'admitted') this.#budget.leave()
    this.#count(String(answer.status))
    writeAnswer(response, answer)
  }

  /** Ends what is under way. */
  end(): void {
    this.#ending.abort(new WorkloadRefusal(503, 'the gateway is stopping'))
  }

  async #answer(request: IncomingMessage): Promise<WorkloadAnswer> {
    try {
      const [path = '', query = ''] = (request.url ?? '').split('?', 2)
      const route = findRoute(path, readApiVersion(query))
      if (route === undefined) throw notFound()
      return await this.#call(route, request)
    } catch (error) {
      return this.#failure(error, request)
    }
  }

  /** Who asks is settled before anything of the body is read. */
  async #call(route: WorkloadRoute, request: IncomingMessage): Promise<WorkloadAnswer> {
    const { operations, limits, clock } = this.#parts
    const identity = route.kind === 'identity' ? this.#ownIdentity(route) : undefined
    const { method = '', headers } = request
    const content = await readBody(request, limits, clock)
    const body = method === 'GET' ? undefined : parseBody(content, method, headers['content-type'])
    if (method !== (identity === undefined ? 'GET' : 'POST')) throw new WorkloadRefusal(400, 'method not allowed')
    if (!this.#budget.spend(EXTRA_COST[route.operation] ?? 0)) throw tooManyRequests()
    const call = { body, signal: this.#ending.signal }
    return route.kind === 'shared'
      ? await SHARED_OPERATIONS[route.operation](call, operations)
      : await IDENTITY_OPERATIONS[route.operation](
          { ...call, moduleId: this.#moduleId, identity: identity! },
          operations,
        )
  }

  #ownIdentity({ moduleId, generationId }: Extract<WorkloadRoute, { kind: 'identity' }>): WorkloadIdentity {
    if (moduleId !== this.#moduleId) throw forbidden()
    const identity = this.#parts.operations.modules.find(moduleId)
    if (identity === undefined) throw notFound()
    if (generationId !== undefined && generationId !== identity.generationId) throw notFound()
    return identity
  }

  #failure(error: unknown, { method, url }: IncomingMessage): WorkloadAnswer {
    const refusal = error instanceof WorkloadRefusal ? error : new WorkloadRefusal(500, 'internal error', error)
    const { status, message, cause } = refusal
    const level = status >= 500 ? 'error' : status === 403 ? 'warn' : 'debug'
    const path = url?.split('?', 1)[0]?.slice(0, 1_024)
    this.#parts.logger.log(level, 'Workload call refused', {
      module: this.#moduleId,
      method,
      path,
      status,
      message,
      cause,
    })
    return refusal.answer
  }

  #count(outcome: string): void {
    this.#parts.meter.counter('edgewright_workload_requests_total', { outcome }).add()
  }
}
