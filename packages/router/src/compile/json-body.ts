import type { JsonValue, Message, MessageSource } from '@edgewright/core'
import type { Semantics } from '../semantics.js'

/** What a body query can find. */
export type BodyEncoding = 'utf-8' | 'utf-16' | 'utf-32'

const ENCODINGS: ReadonlyMap<string, BodyEncoding> = new Map([
  ['utf-8', 'utf-8'],
  ['utf8', 'utf-8'],
  ['utf-16', 'utf-16'],
  ['utf-32', 'utf-32'],
])
const JSON_TYPE = 'application/json'

/**
 * How the body of a message is encoded, when its properties say that it is JSON.
 *
 * The original wants the bare content type and an explicit encoding. The default takes parameters of the content type
 * too, an encoding from there, and UTF-8 when none is given, as JSON has it (RFC 8259, 8.1); a twin change is JSON by
 * its nature.
 */
export function bodyEncoding(message: Message, source: MessageSource, semantics: Semantics): BodyEncoding | undefined {
  const { contentType, contentEncoding } = message.system
  if (contentType === JSON_TYPE && contentEncoding === 'utf-8') return 'utf-8'
  if (semantics === 'iotedge') {
    const encoding = contentEncoding?.toLowerCase()
    const known = encoding === 'utf8' ? undefined : ENCODINGS.get(encoding ?? '')
    return contentType?.toLowerCase() === JSON_TYPE ? known : undefined
  }
  if (contentType === undefined) return source.kind === 'twinChange' ? 'utf-8' : undefined
  const [type, ...parameters] = contentType.toLowerCase().split(';', MAX_PARAMETERS)
  if (type!.trim() !== JSON_TYPE) return undefined
  const charset = parameters.map(parameter => /^\s*charset\s*=\s*"?([^\s"]+)"?\s*$/.exec(parameter)?.[1]).find(Boolean)
  return ENCODINGS.get((contentEncoding || charset || 'utf-8').toLowerCase())
}

const MAX_PARAMETERS = 16

/**
 * The body as JSON.
 *
 * @returns undefined when it is not JSON, too large, or of a form that the semantics does not look into.
 */
export function readJsonBody(
  message: Message,
  source: MessageSource,
  semantics: Semantics,
  maxBytes: number,
): JsonValue | undefined {
  const encoding = bodyEncoding(message, source, semantics)
  if (encoding === undefined || message.body.byteLength > maxBytes) return undefined
  try {
    const root = JSON.parse(decode(message.body, encoding, semantics)) as JsonValue
    if (typeof root !== 'object' || root === null) return undefined
    return Array.isArray(root) && semantics === 'iotedge' ? undefined : root
  } catch {
    return undefined
  }
}

const BYTE_ORDER_MARK = '\ufeff'

function decode(bytes: Uint8Array, encoding: BodyEncoding, semantics: Semantics): string {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const text = encoding === 'utf-32' ? decodeUtf32(buffer) : buffer.toString(encoding === 'utf-8' ? 'utf8' : 'utf16le')
  return semantics === 'edgewright' && text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text
}

/** Little-endian, as .NET writes it; what is no character becomes U+FFFD. */
function decodeUtf32(buffer: Buffer): string {
  let text = ''
  for (let at = 0; at + 4 <= buffer.length; at += 4) {
    const point = buffer.readUInt32LE(at)
    text += String.fromCodePoint(point > 0x10ffff ? 0xfffd : point)
  }
  return text
}
