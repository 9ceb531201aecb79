import { Refusal } from '../refusal.js'
import type { AmqpMessage } from './message-format.js'

const DATA_SECTION = 0x75

/** A body section as rhea decodes it. */
interface BodySection {
  readonly typecode: number
  readonly content: unknown
  readonly multiple?: boolean | undefined
}

/**
 * The bytes of a decoded body: of its data sections put together, or of an amqp-value that is binary, text or empty.
 * Other bodies have no form that IoT Hub knows.
 */
export function amqpBodyBytes({ body }: AmqpMessage): Uint8Array | Refusal {
  if (body instanceof Uint8Array) return body
  if (typeof body === 'string') return Buffer.from(body, 'utf8')
  if (body === undefined || body === null) return EMPTY
  if (!isSection(body) || body.typecode !== DATA_SECTION) return new Refusal('the body is not data', 0)
  const { content } = body
  if (content instanceof Uint8Array) return content
  if (Array.isArray(content) && content.every(part => part instanceof Uint8Array)) return Buffer.concat(content)
  return new Refusal('a data section holds something else than binary', 0)
}

const EMPTY = Buffer.alloc(0)

function isSection(body: unknown): body is BodySection {
  return typeof body === 'object' && body !== null && 'typecode' in body && 'content' in body
}
