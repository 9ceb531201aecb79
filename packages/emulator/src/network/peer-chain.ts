import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'

/** The most certificates of a chain that are looked at. */
const MAX_CHAIN = 10

const chains = new WeakMap<TLSSocket, readonly Uint8Array[]>()

/**
 * What a peer showed in its handshake, DER, its own certificate first. It is kept per connection because Node gives the
 * issuers only to whoever asks first.
 */
export function peerChain(socket: TLSSocket): readonly Uint8Array[] {
  let chain = chains.get(socket)
  if (chain === undefined) chains.set(socket, (chain = readChain(socket.getPeerX509Certificate())))
  return chain
}

function readChain(own: X509Certificate | undefined): readonly Uint8Array[] {
  const chain: Uint8Array[] = []
  for (let next = own; next !== undefined && chain.length < MAX_CHAIN; next = next.issuerCertificate) {
    chain.push(next.raw)
  }
  return chain
}
