import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Clock, JsonValue } from '@edgewright/core'

/** What the service answered, whatever its status. */
export interface JsonAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Null when there was nothing, or nothing that is JSON. */
  readonly body: JsonValue
}

/** How long an exchange may take, and who may end it. */
export interface ExchangeLimits {
  readonly clock: Clock
  /** Milliseconds from the request to the end of the answer. */
  readonly timeout: number
  readonly signal?: AbortSignal | undefined
}

/** The most that an answer may hold, in bytes: all modules of a device stay well below. */
const MAX_ANSWER_BYTES = 1_048_576

/** Sends one request and reads its answer. Rejects when there is none in time, or one that is too long. */
export async function exchangeJson(
  open: (within: AbortSignal) => ClientRequest,
  body: JsonValue | undefined,
  { clock, timeout, signal }: ExchangeLimits,
): Promise<JsonAnswer> {
  signal?.throwIfAborted()
  const overdue = new AbortController()
  const timer = clock.after(timeout, () => overdue.abort(new Error('no answer in time')))
  const either = signal === undefined ? overdue.signal : AbortSignal.any([signal, overdue.signal])
  try {
    return await new Promise((resolve, reject) => {
      const outgoing = open(either)
      outgoing.on('error', reject)
      outgoing.on('response', incoming => readAnswer(incoming).then(resolve, reject))
      if (body !== undefined) outgoing.setHeader('content-type', 'application/json; charset=utf-8')
      outgoing.end(body === undefined ? undefined : JSON.stringify(body))
    })
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    throw overdue.signal.aborted ? overdue.signal.reason : error
  } finally {
    timer.cancel()
  }
}

async function readAnswer(incoming: IncomingMessage): Promise<JsonAnswer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.byteLength
    if (size > MAX_ANSWER_BYTES) throw new RangeError('the answer is too long')
    chunks.push(chunk)
  }
  const { statusCode: status = 0, headers } = incoming
  return { status, headers, body: parsed(Buffer.concat(chunks).toString('utf8')) }
}

function parsed(text: string): JsonValue {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
