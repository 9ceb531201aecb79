import type { ServerResponse } from 'node:http'
import type { JsonValue } from '@edgewright/core'

/** What the workload API answers. */
export interface WorkloadAnswer {
  readonly status: number
  readonly json: JsonValue
}

/** Why a call is not served, as its caller is told: never more than that. */
export class WorkloadRefusal extends Error {
  readonly status: number

  constructor(status: number, message: string, cause?: unknown) {
    super(message, { cause })
    this.status = status
  }

  get answer(): WorkloadAnswer {
    return { status: this.status, json: { message: this.message } }
  }
}

/** Another module's business, or nobody's on this machine. */
export function forbidden(): WorkloadRefusal {
  return new WorkloadRefusal(403, 'forbidden')
}

/** No such call, module or generation. */
export function notFound(): WorkloadRefusal {
  return new WorkloadRefusal(404, 'not found')
}

/** More than a module's share. */
export function tooManyRequests(): WorkloadRefusal {
  return new WorkloadRefusal(429, 'too many requests')
}

/** Sends an answer. Clients parse a body only when its type says JSON. */
export function writeAnswer(response: ServerResponse, { status, json }: WorkloadAnswer): void {
  const body = Buffer.from(JSON.stringify(json))
  // Nothing more comes from whoever was too slow.
  if (status === 408) response.shouldKeepAlive = false
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.byteLength })
  response.end(body)
}
