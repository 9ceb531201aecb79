/**
 * Percent-encodes as IoT Hub's own clients do: everything but letters, digits, `-`, `_`, `.` and `~`, so `!'()*` too.
 */
export function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** Percent-decodes once; undefined when an escape is malformed. A `+` stays a plus sign. */
export function percentDecode(text: string): string | undefined {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
