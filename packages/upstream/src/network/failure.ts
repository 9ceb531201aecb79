/** Why a stream could not be opened, or ended, as a word that operators can look up and a detail. */
export class NetworkFailure extends Error {
  constructor(
    /** Stable: see `docs/ports/upstream.md`. */
    readonly reason: NetworkFailureReason,
    detail: string,
    options?: ErrorOptions,
  ) {
    super(detail === '' ? reason : `${reason}: ${detail}`, options)
    this.name = 'NetworkFailure'
  }
}

/** What can be wrong with a stream. */
export type NetworkFailureReason =
  /** The name could not be looked up. */
  | 'name-not-resolved'
  /** Nobody listens there. */
  | 'connection-refused'
  /** No way there, or no answer. */
  | 'unreachable'
  /** The peer, or something between, cut it. */
  | 'connection-reset'
  /** The certificate is not trusted, or the handshake failed. */
  | 'tls-failed'
  /** The proxy refused. */
  | 'proxy-refused'
  /** The peer does not speak the protocol. */
  | 'protocol-error'
  /** Connected, but no sign of life. */
  | 'silent'
  /** The peer ended it in good order. */
  | 'closed-by-peer'

/** Whether something in between, such as a firewall, may be what is wrong. A name that cannot be resolved blocks nothing in particular. */
export function mayBeBlocked(error: unknown): boolean {
  return error instanceof NetworkFailure && error.reason !== 'name-not-resolved'
}

const REASONS: Readonly<Record<string, NetworkFailureReason>> = Object.freeze({
  ENOTFOUND: 'name-not-resolved',
  EAI_AGAIN: 'name-not-resolved',
  EAI_FAIL: 'name-not-resolved',
  ENODATA: 'name-not-resolved',
  ECONNREFUSED: 'connection-refused',
  ECONNRESET: 'connection-reset',
  ECONNABORTED: 'connection-reset',
  EPIPE: 'connection-reset',
  ETIMEDOUT: 'unreachable',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENETDOWN: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
})

/** A failure from whatever a socket threw; what is not known of is of the handshake, which has codes without number. */
export function networkFailure(error: unknown): NetworkFailure {
  if (error instanceof NetworkFailure) return error
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown }
  const reason = REASONS[String(code)] ?? 'tls-failed'
  return new NetworkFailure(reason, String(message ?? code ?? error), { cause: error })
}
