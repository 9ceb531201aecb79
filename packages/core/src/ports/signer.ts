/** Signs with keys that never leave it. `signerConformance` of `@edgewright/testkit/security` tests all of it. */
export interface Signer {
  /**
   * HMAC-SHA256 with a named key, of at least one byte. May be called many times at once.
   *
   * @throws `KEY_NOT_FOUND`; the signal's reason; what else keeps the signer from signing
   */
  sign(keyId: string, data: Uint8Array, signal?: AbortSignal): Promise<Uint8Array>
}

/** What a certificate is to say. */
export interface CertificateRequest {
  readonly commonName: string
  /** Names and addresses it is valid for. */
  readonly dnsNames?: readonly string[] | undefined
  readonly ipAddresses?: readonly string[] | undefined
  /** Absolute URIs that name its holder. */
  readonly uris?: readonly string[] | undefined
  readonly usage: 'server' | 'client'
  /** Milliseconds. */
  readonly validity: number
}

/** A certificate with its key. */
export interface IssuedCertificate {
  /** PEM: the certificate, then its issuers without the root. */
  readonly chain: string
  /** PEM, PKCS #8. */
  readonly privateKey: string
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

/** Issues certificates under one authority. `issuerConformance` of `@edgewright/testkit/security` tests all of it. */
export interface CertificateIssuer {
  /** PEM of what clients must trust. */
  readonly trustBundle: string
  /**
   * Issues one, with a key of its own; it lasts no longer than the authority.
   *
   * @throws an `EdgewrightError` for what makes no certificate; the signal's reason
   */
  issue(request: CertificateRequest, signal?: AbortSignal): Promise<IssuedCertificate>
}
