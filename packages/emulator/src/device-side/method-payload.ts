import type { JsonValue } from '@edgewright/core'

/** The body of a method call or answer: JSON, or empty when there is no payload. */
export function methodBody(payload: JsonValue | undefined): Buffer {
  return payload === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(payload), 'utf8')
}

/** Reads what {@link methodBody} makes; what is not JSON is taken as text. */
export function methodPayload(body: Uint8Array): JsonValue | undefined {
  const text = Buffer.from(body).toString('utf8')
  if (text.trim() === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
