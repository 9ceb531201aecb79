/** What one AMQP connection may cost. Times in milliseconds. */
export interface AmqpLimits {
  /** Time from connection to OPEN, and to the first credentials that are good. @default 60,000 */
  readonly loginTimeout?: number | undefined
  /** Messages that a link for telemetry may have under way. @default 500 */
  readonly telemetryWindow?: number | undefined
  /** Bytes of telemetry of a connection under way; reading stops when it is reached. @default 4 MiB */
  readonly inboundBytes?: number | undefined
  /** Bytes of messages of which not all frames have come; beyond it the connection is closed. @default 4 MiB */
  readonly maxPartialBytes?: number | undefined
  /** Twin requests or method answers that a link may have under way. @default 64 */
  readonly maxRequests?: number | undefined
  /** Deliveries of a link that wait for the client's outcome. @default 256 */
  readonly outboundWindow?: number | undefined
  /** Twin answers and changes that wait for a client's credit; beyond it the link is closed. @default 256 */
  readonly maxWaiting?: number | undefined
  /** Method calls that wait for a client's answer. @default 128 */
  readonly maxMethods?: number | undefined
  /** Identities of one connection. @default 1,000 */
  readonly maxIdentities?: number | undefined
  /** Links of one connection. @default 8,000 */
  readonly maxLinks?: number | undefined
  /** Sessions of one connection. @default 1,024 */
  readonly maxSessions?: number | undefined
  /** Bytes that wait to be taken by a client; beyond it the connection is closed. @default 8 MiB */
  readonly maxBufferedBytes?: number | undefined
  /** Time for which a client may take nothing of what waits for it. @default 30,000 */
  readonly stallTimeout?: number | undefined
  /** Time for accepted work to be stored and answered when the front-end stops. @default 5,000 */
  readonly stopTimeout?: number | undefined
}

/** {@link AmqpLimits} with nothing left open. */
export type NormalAmqpLimits = { readonly [K in keyof AmqpLimits]-?: number }

/** What an AMQP connection may cost when it is not told. */
export const AMQP_FRONT_END_LIMITS: NormalAmqpLimits = Object.freeze({
  loginTimeout: 60_000,
  telemetryWindow: 500,
  inboundBytes: 4_194_304,
  maxPartialBytes: 4_194_304,
  maxRequests: 64,
  outboundWindow: 256,
  maxWaiting: 256,
  maxMethods: 128,
  maxIdentities: 1_000,
  maxLinks: 8_000,
  maxSessions: 1_024,
  maxBufferedBytes: 8_388_608,
  stallTimeout: 30_000,
  stopTimeout: 5_000,
})
