import type { Identity } from '@edgewright/core'
import type { BackoffOptions } from './backoff.js'

/**
 * Signs a token on behalf of an identity, wherever its key is kept.
 *
 * @param audience - `sr` of the token, encoded as it is to stand in it
 * @param expiresAt - milliseconds since 1970
 * @returns the whole token, `SharedAccessSignature sr=…`
 */
export type TokenSource = (identity: Identity, audience: string, expiresAt: number) => Promise<string>

/** What can be tuned. Times are in milliseconds. */
export interface IotHubUpstreamTuning {
  /** Physical connections that identities share. @default 1 */
  readonly connections?: number | undefined
  /** Look-up and TCP connect. @default 4,000 */
  readonly connectTimeout?: number | undefined
  /** TLS handshake, and again for AMQP's. @default 8,000 */
  readonly handshakeTimeout?: number | undefined
  /** Opening a link, putting a token, a twin request. @default 20,000 */
  readonly operationTimeout?: number | undefined
  /** Without a sign of life for so long the connection counts as lost. The peer is asked for one more often. @default 9,000 */
  readonly silenceLimit?: number | undefined
  /** What was sent gets so long for its outcome when a link is closed in good order. @default 5,000 */
  readonly closeTimeout?: number | undefined
  /** An identity that nobody used for so long, and that listens for nothing, is closed. @default 3,600,000 */
  readonly idleTimeout?: number | undefined
  /** Waits between attempts to connect; any time up to the limit, by chance. @default first 500, most 2,500 */
  readonly reconnect?: BackoffOptions | undefined
  /** Waits between attempts to return from a fallback to the preferred transport. @default first 30,000, most 600,000 */
  readonly returnAfter?: BackoffOptions | undefined
  /** Waits of one identity after it was refused. @default first 2,000, most 120,000 */
  readonly identityRetry?: BackoffOptions | undefined
  /** Messages of one identity without an outcome at once; 1 to 1,900. @default 1,000 */
  readonly window?: number | undefined
  /** Messages of one identity that may leave in one AMQP transfer and share its outcome. @default 50 */
  readonly together?: number | undefined
  /** Identities that are opened at once after the link came up. @default 32 */
  readonly openings?: number | undefined
  /** How long tokens live. @default 3,600,000 */
  readonly tokenLifetime?: number | undefined
  /** The part of its life after which a token is renewed. @default 0.75 */
  readonly renewAfter?: number | undefined
}

/** What holds where {@link IotHubUpstreamTuning} says nothing. */
export const UPSTREAM_DEFAULTS = Object.freeze({
  connections: 1,
  connectTimeout: 4_000,
  handshakeTimeout: 8_000,
  operationTimeout: 20_000,
  silenceLimit: 9_000,
  closeTimeout: 5_000,
  idleTimeout: 3_600_000,
  reconnect: Object.freeze({ first: 500, most: 2_500 }),
  returnAfter: Object.freeze({ first: 30_000, most: 600_000 }),
  identityRetry: Object.freeze({ first: 2_000, most: 120_000 }),
  window: 1_000,
  together: 50,
  openings: 32,
  tokenLifetime: 3_600_000,
  renewAfter: 0.75,
}) satisfies Required<IotHubUpstreamTuning>

/** Tuning with nothing left open. */
export type Tuning = { readonly [name in keyof IotHubUpstreamTuning]-?: NonNullable<IotHubUpstreamTuning[name]> }

/**
 * Fills in what is left open.
 *
 * @throws TypeError for a figure that makes no sense
 */
export function tuningOf(given: IotHubUpstreamTuning): Tuning {
  const names = Object.keys(UPSTREAM_DEFAULTS) as (keyof Tuning)[]
  const tuning = Object.fromEntries(names.map(name => [name, given[name] ?? UPSTREAM_DEFAULTS[name]]))
  for (const [name, value] of Object.entries(tuning)) {
    if (typeof value === 'number' && !(value > 0)) throw new TypeError(`${name} must be more than 0`)
  }
  if (Number(tuning.window) > MOST_WINDOW) throw new TypeError(`window must be at most ${MOST_WINDOW}`)
  return tuning as unknown as Tuning
}

/** A session of rhea's holds 2,048 deliveries without an outcome; some are left for what is not telemetry. */
const MOST_WINDOW = 1_900
