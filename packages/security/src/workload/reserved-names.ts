import { isIP } from 'node:net'

/**
 * Whether a certificate for a name could stand for a reserved one: the same name or address in any notation, or a
 * wildcard that covers it.
 */
export function coversReserved(name: string, reserved: readonly string[]): boolean {
  const wanted = normal(name)
  return reserved.map(normal).some(held => {
    return wanted === held || (wanted.startsWith('*.') && wanted.slice(1) === held.slice(held.indexOf('.')))
  })
}

/** IPv6 has many notations for one address; a URL has one. */
function normal(name: string): string {
  return isIP(name) === 6 ? new URL(`http://[${name}]`).hostname : name.toLowerCase()
}
