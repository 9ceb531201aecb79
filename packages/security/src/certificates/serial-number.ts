import { randomBytes } from 'node:crypto'

/** 127 random bits, positive and never 0, as RFC 5280 (4.1.2.2) wants serial numbers; hexadecimal. */
export function serialNumber(): string {
  const bytes = randomBytes(16)
  bytes[0] = (bytes[0]! & 0x3f) | 0x40
  return bytes.toString('hex')
}
