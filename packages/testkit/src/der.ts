/** The few shapes of DER (ITU-T X.690) that a certificate is made of. */

/** One element: tag, length, content. */
export function element(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const length = content.reduce((sum, part) => sum + part.byteLength, 0)
  return Buffer.concat([Buffer.from([tag]), lengthOctets(length), ...content])
}

/** A SEQUENCE. */
export function sequence(...content: readonly Uint8Array[]): Buffer {
  return element(0x30, ...content)
}

/** An OBJECT IDENTIFIER in dotted form. */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return element(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

/** A positive INTEGER from its big-endian octets. */
export function integer(octets: Uint8Array): Buffer {
  const signed = (octets[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), octets]) : octets
  return element(0x02, signed)
}

/** A time, as UTCTime before 2050 and GeneralizedTime from then on (RFC 5280, section 4.1.2.5). */
export function time(date: Date): Buffer {
  const digits = `${date.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`
  return date.getUTCFullYear() < 2050
    ? element(0x17, Buffer.from(digits.slice(2), 'ascii'))
    : element(0x18, Buffer.from(digits, 'ascii'))
}

/** A BIT STRING; `unused` is how many of its last bits do not count. */
export function bitString(octets: Uint8Array, unused = 0): Buffer {
  return element(0x03, Buffer.from([unused]), octets)
}

/** An OCTET STRING. */
export function octetString(octets: Uint8Array): Buffer {
  return element(0x04, octets)
}

/** BOOLEAN TRUE. */
export const TRUE: Uint8Array = element(0x01, Buffer.from([0xff]))

function lengthOctets(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length])
  const octets: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256)
  return Buffer.from([0x80 | octets.length, ...octets])
}

function base128(value: number): number[] {
  const octets = [value % 128]
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) octets.unshift(0x80 | (rest % 128))
  return octets
}
