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
  if (contentType === JSON_TYPE && contentEncoding === undefined && semantics === 'edgewright') return 'utf-8'
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

/** A body as JSON; undefined when it is none, or of a kind that the semantics does not look into. */
export function parseJsonBody(body: Uint8Array, encoding: BodyEncoding, semantics: Semantics): JsonValue | undefined {
  const root = parse(body, encoding, semantics)
  return root !== undefined && isSearchable(root, semantics) ? root : undefined
}

/** Why conditions cannot look into a body, for people; undefined when they can. */
export function whyUnusable(
  message: Message,
  source: MessageSource,
  semantics: Semantics,
  maxBytes: number,
): string | undefined {
  const { contentType, contentEncoding } = message.system
  const encoding = bodyEncoding(message, source, semantics)
  if (encoding === undefined) {
    const [type, code] = [contentType ?? 'missing', contentEncoding ?? 'missing']
    return `the body does not count as JSON: content type ${type}, content encoding ${code}`
  }
  if (message.body.byteLength > maxBytes) return `the body is larger than ${maxBytes} bytes`
  const root = parse(message.body, encoding, semantics)
  if (root === undefined) return 'the body is no valid JSON'
  return isSearchable(root, semantics) ? undefined : 'the root of the body is of a kind that has no members'
}

function isSearchable(root: JsonValue, semantics: Semantics): boolean {
  return typeof root === 'object' && root !== null && !(semantics === 'iotedge' && Array.isArray(root))
}

function parse(body: Uint8Array, encoding: BodyEncoding, semantics: Semantics): JsonValue | undefined {
  try {
    return JSON.parse(decode(body, encoding, semantics)) as JsonValue
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
