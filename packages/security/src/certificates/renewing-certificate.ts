import {
  type CertificateIssuer,
  type CertificateRequest,
  type Clock,
  describeError,
  type Gauge,
  type IssuedCertificate,
  type Logger,
  memoryMeter,
  type Meter,
  Service,
  silentLogger,
  systemClock,
  type Timer,
} from '@edgewright/core'
import { type CertificateStatus, certificateState } from './certificate-status.js'
import { type CertificateTerm, certificateTerm, isBetterTerm } from './certificate-term.js'

const MINUTE = 60_000
const DAY = 86_400_000

/** What a {@link RenewingCertificate} works with. */
export interface RenewingCertificateComponents {
  readonly issuer: CertificateIssuer
  readonly clock?: Clock | undefined
  readonly logger?: Logger | undefined
  readonly meter?: Meter | undefined
}

/** Which certificate, and when it is replaced. */
export interface RenewingCertificateOptions {
  /** What it is for, in reports: `server`, … */
  readonly name: string
  readonly request: CertificateRequest
  /** The part of its life after which it is replaced. @default 0.8 */
  readonly renewAfter?: number | undefined
  /** The part of its life between attempts, held between a minute and a day. @default 0.04 */
  readonly retryAfter?: number | undefined
}

/** When a certificate is replaced unless something else is said: as the original does with its authority. */
export const RENEWAL_DEFAULTS = Object.freeze({ renewAfter: 0.8, retryAfter: 0.04 })

/** When what happens is reported. */
export interface RenewingCertificateEvents {
  /** Another certificate is in force: show it from the next handshake on. Open connections need not change. */
  renewed: [certificate: IssuedCertificate]
  /** It could not be replaced; the old one stays, and it is tried again. */
  failed: [error: unknown]
}

/**
 * A certificate that is replaced in place before it expires, also without a link to anywhere when its issuer needs none.
 *
 * The wall clock is looked at every minute rather than waited for, so a machine that wakes up in 1970 or 2099 gets a good
 * certificate as soon as its clock is right.
 */
export class RenewingCertificate extends Service<RenewingCertificateEvents> {
  readonly #issuer: CertificateIssuer
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #expiry: Gauge
  readonly #options: RenewingCertificateOptions
  #term: CertificateTerm | undefined
  #failure: string | undefined
  /** On the monotonic clock: not before then is it tried again. */
  #nextAttempt = 0
  /** Wall clock less monotonic clock: the same for as long as nobody sets the machine's clock. */
  #offset = 0
  #timer: Timer | undefined
  #ending = new AbortController()
  #look: Promise<void> = Promise.resolve()

  constructor(components: RenewingCertificateComponents, options: RenewingCertificateOptions) {
    super()
    const { issuer, clock = systemClock, logger = silentLogger, meter = memoryMeter() } = components
    this.#issuer = issuer
    this.#clock = clock
    this.#logger = logger
    this.#expiry = meter.gauge('edgewright_certificate_expiry_seconds', { name: options.name })
    this.#options = options
  }

  /** The certificate in force. @throws `NOT_RUNNING` before the first start */
  get current(): IssuedCertificate {
    return this.#inForce.certificate
  }

  /** What expires when. @throws `NOT_RUNNING` before the first start */
  get status(): CertificateStatus {
    const { notBefore, expiresAt, renewsAt } = this.#inForce
    const { name, request } = this.#options
    const state = certificateState(this.#inForce, this.#clock.now())
    return { name, commonName: request.commonName, state, notBefore, expiresAt, renewsAt, failure: this.#failure }
  }

  /** Replaces the certificate now, as when its authority has changed. @throws what the issuer throws */
  async renew(): Promise<void> {
    this.assertRunning()
    this.#adopt(await this.#issue())
  }

  /** Issues a certificate, so that `current` is there. @throws what the issuer throws */
  protected async onStart(): Promise<void> {
    this.#ending = new AbortController()
    this.#adopt(await this.#issue())
    this.#offset = this.#clock.now() - this.#clock.monotonic()
    this.#waitAMinute()
  }

  protected async onStop(): Promise<void> {
    this.#timer?.cancel()
    this.#ending.abort(new Error('The certificate is not renewed any more'))
    await this.#look
  }

  get #inForce(): CertificateTerm {
    if (this.#term === undefined) this.assertRunning()
    return this.#term!
  }

  #waitAMinute(): void {
    this.#timer = this.#clock.after(MINUTE, () => {
      this.#look = this.#renewWhenDue()
        .catch(error => this.#logger.log('error', 'A listener of a certificate failed', { error }))
        .finally(() => {
          if (!this.#ending.signal.aborted) this.#waitAMinute()
        })
    })
  }

  async #renewWhenDue(): Promise<void> {
    const monotonic = this.#clock.monotonic()
    const offset = this.#clock.now() - monotonic
    if (Math.abs(offset - this.#offset) > MINUTE) this.#nextAttempt = 0
    this.#offset = offset
    if (this.status.state === 'valid' || monotonic < this.#nextAttempt) return
    const { request, retryAfter = RENEWAL_DEFAULTS.retryAfter } = this.#options
    this.#nextAttempt = monotonic + Math.min(Math.max(request.validity * retryAfter, MINUTE), DAY)
    try {
      const term = await this.#issue()
      if (isBetterTerm(term, this.#inForce, this.#clock.now())) this.#adopt(term)
      else this.#failure = 'its authority issues none that is valid for longer'
    } catch (error) {
      if (!this.#ending.signal.aborted) this.#fail(error)
    }
  }

  async #issue(): Promise<CertificateTerm> {
    const { request, renewAfter = RENEWAL_DEFAULTS.renewAfter } = this.#options
    const certificate = await this.#issuer.issue(request, this.#ending.signal)
    return certificateTerm(certificate, this.#clock.now(), renewAfter)
  }

  #adopt(term: CertificateTerm): void {
    const isFirst = this.#term === undefined
    const { name, request } = this.#options
    const fields = { name, expires: new Date(term.expiresAt).toISOString() }
    this.#term = term
    this.#failure = undefined
    this.#expiry.set(term.expiresAt / 1_000)
    this.#logger.log('info', 'Certificate issued', fields)
    const wanted = Math.max(this.#clock.now(), term.notBefore) + request.validity
    if (term.expiresAt < wanted - DAY)
      this.#logger.log('warn', 'Certificate shortened by the end of its authority', fields)
    if (!isFirst) this.emit('renewed', term.certificate)
  }

  #fail(error: unknown): void {
    const { name } = this.#options
    this.#failure = describeError(error)
    const expires = new Date(this.#inForce.expiresAt).toISOString()
    this.#logger.log('error', 'Certificate not renewed', { name, expires, reason: this.#failure })
    this.emit('failed', error)
  }
}
