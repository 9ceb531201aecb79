import type { Container } from './rhea.js'

/** What the mechanisms ask of the connection they are offered on. */
export interface SaslOptions {
  /** Whether the peer showed a certificate. */
  readonly hasCertificate: boolean
  /** Judges a token given as password; may take its time. */
  readonly judge: (token: string) => Promise<boolean>
}

/**
 * Offers ANONYMOUS and MSSBCBS (credentials follow at `$cbs`), PLAIN (a token as password), and EXTERNAL to a peer with a
 * certificate, which is judged when links are attached. A peer may also do without SASL. Source: wire reference,
 * section 3.1.
 */
export function offerMechanisms(container: Container, { hasCertificate, judge }: SaslOptions): void {
  const mechanisms = container.sasl_server_mechanisms as Record<string, unknown> & { enable_anonymous(): void }
  mechanisms.enable_anonymous()
  mechanisms.MSSBCBS = () => new Welcome()
  mechanisms.PLAIN = () => new Plain(judge)
  if (hasCertificate) mechanisms.EXTERNAL = () => new Welcome()
}

/** Lets everybody pass: what counts comes later. */
class Welcome {
  outcome: boolean | undefined

  start(): void {
    this.outcome = true
  }
}

/** Takes `{d}[/modules/{m}]@[sas.]{hub}` with a token; the identity that counts is the token's. */
class Plain {
  outcome: boolean | undefined
  readonly #judge: SaslOptions['judge']

  constructor(judge: SaslOptions['judge']) {
    this.#judge = judge
  }

  async start(response: Buffer | undefined): Promise<void> {
    const [, , token = ''] = response?.toString('utf8').split('\0') ?? []
    this.outcome = await this.#judge(token)
  }
}
