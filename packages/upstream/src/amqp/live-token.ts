import {
  type Clock,
  describeError,
  type EdgewrightError,
  type Identity,
  identityKey,
  type Logger,
  type Timer,
} from '@edgewright/core'
import type { PutTokenReply } from '@edgewright/protocol'
import { offline, throttled, unauthorized } from '../errors.js'

/** How long tokens live, and when they are renewed. */
export interface TokenLife {
  /** Milliseconds from signing to expiry. */
  readonly lifetime: number
  /** The part of its life after which a token is renewed, 0 to 1; up to a tenth more by chance, to spread many. */
  readonly renewAfter: number
  /** Milliseconds between attempts when a renewal failed. */
  readonly retryEvery: number
}

/** What a {@link LiveToken} works with. */
export interface LiveTokenOptions extends TokenLife {
  readonly identity: Identity
  readonly clock: Clock
  readonly logger: Logger
  readonly random: () => number
  /** Signs a token that expires at a time in milliseconds since 1970. */
  readonly sign: (expiresAt: number) => Promise<string>
  /** Gives it to the peer. */
  readonly put: (token: string) => Promise<PutTokenReply>
}

/** The token of one identity on one connection, renewed on the live link before it expires. */
export class LiveToken {
  /** Resolves with the reason when it expired without a successor. */
  readonly lapsed: Promise<EdgewrightError>
  readonly #options: LiveTokenOptions
  #lapse: (error: EdgewrightError) => void = () => undefined
  #expiresAt = 0
  #timer: Timer | undefined
  #ended = false

  private constructor(options: LiveTokenOptions) {
    this.#options = options
    this.lapsed = new Promise(resolve => {
      this.#lapse = resolve
    })
  }

  /**
   * Signs and gives the first token.
   *
   * @throws `UPSTREAM_UNAUTHORIZED`, `UPSTREAM_THROTTLED`, `UPSTREAM_OFFLINE`
   */
  static async present(options: LiveTokenOptions): Promise<LiveToken> {
    const token = new LiveToken(options)
    await token.#present()
    return token
  }

  /** No longer renews. */
  end(): void {
    this.#ended = true
    this.#timer?.cancel()
  }

  async #present(): Promise<void> {
    const { identity, clock, lifetime, renewAfter, random } = this.#options
    const signedAt = clock.now()
    const token = await this.#options.sign(signedAt + lifetime).catch(error => {
      throw unauthorized(identity, `no token could be signed (${describeError(error)})`, error)
    })
    assertAccepted(identity, await this.#options.put(token))
    this.#expiresAt = signedAt + lifetime
    this.#renewIn(lifetime * Math.min(1, renewAfter + random() / 10))
  }

  #renewIn(delay: number): void {
    if (this.#ended) return
    this.#timer = this.#options.clock.after(delay, () => {
      this.#present().catch(error => this.#failed(error))
    })
  }

  #failed(error: EdgewrightError): void {
    if (this.#ended) return
    const { clock, identity, logger, retryEvery } = this.#options
    const left = this.#expiresAt - clock.now()
    logger.log('warn', 'token not renewed', { identity: identityKey(identity), error: describeError(error), left })
    if (left <= 0) this.#lapse(error)
    else this.#renewIn(Math.min(left, retryEvery))
  }
}

function assertAccepted(identity: Identity, { status, description }: PutTokenReply): void {
  if (status >= 200 && status < 300) return
  const detail = `${status} ${description}`.trim()
  if (status === 429) throw throttled(detail)
  if (status >= 500) throw offline(`the cloud could not judge a token (${detail})`)
  throw unauthorized(identity, detail)
}
