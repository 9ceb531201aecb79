import { MQTT_LIMITS } from '../mqtt/limits.js'

/** What free topics and their clients may cost. Times in milliseconds. */
export interface TopicLimits {
  /** Clients at once that use free topics; more are refused. @default 1,000 */
  readonly maxClients?: number | undefined
  /** Bytes of one PUBLISH, judged by its fixed header. @default as for IoT Hub clients, 327,688 */
  readonly maxPacketBytes?: number | undefined
  /** Bytes of any other packet. @default 16,384 */
  readonly maxControlBytes?: number | undefined
  /** Bytes of a topic. @default 512 */
  readonly maxTopicBytes?: number | undefined
  /** Levels of a topic or filter, at most 100. @default 32 */
  readonly maxTopicLevels?: number | undefined
  /** Bytes of a client id. @default 128 */
  readonly maxClientIdBytes?: number | undefined
  /** Filters of one client. @default 100 */
  readonly maxSubscriptions?: number | undefined
  /** The longest keep-alive granted; also what a keep-alive of 0 stands for. @default 600,000 */
  readonly maxKeepAlive?: number | undefined
  /** Messages of one client on their way to the store; reading stops when it is reached. @default 1,024 */
  readonly inboundWindow?: number | undefined
  /** Bytes of one client's messages on their way to the store; reading stops when it is reached. @default 1 MiB */
  readonly inboundBytes?: number | undefined
  /** Messages of a persistent session that wait for its client's answer. @default 100 */
  readonly outboundWindow?: number | undefined
  /**
   * Bytes that wait to be taken by a client. Beyond it, it misses what comes with QoS 0, and is closed when QoS 1 or 2
   * comes that no persistent session keeps for it. @default 4 MiB
   */
  readonly maxBufferedBytes?: number | undefined
  /** Time for which a client may take nothing of what waits for it. @default 30,000 */
  readonly stallTimeout?: number | undefined
  /** Persistent sessions, connected or not; more clients that want one are refused as unavailable. @default 1,000 */
  readonly maxSessions?: number | undefined
  /** Time after which the session of a client that stays away is forgotten. @default 7 days */
  readonly sessionExpiry?: number | undefined
  /** Messages that wait for one persistent session; what comes then is not kept for it. @default 1,000 */
  readonly maxQueuedMessages?: number | undefined
  /** Bytes that wait for one persistent session; what comes then is not kept for it. @default 16 MiB */
  readonly maxQueuedBytes?: number | undefined
  /** QoS 2 messages of one client that it has not released. @default 1,000 */
  readonly maxReceived?: number | undefined
  /** Retained messages of all topics; the publisher of one more is closed. @default 10,000 */
  readonly maxRetained?: number | undefined
  /** Bytes of all retained messages; kept in memory, too. @default 16 MiB */
  readonly maxRetainedBytes?: number | undefined
}

/** {@link TopicLimits} with nothing left open. */
export type NormalTopicLimits = { readonly [K in keyof TopicLimits]-?: number }

/** What free topics and their clients may cost when it is not told. */
export const TOPIC_LIMITS: NormalTopicLimits = Object.freeze({
  maxClients: 1_000,
  maxPacketBytes: MQTT_LIMITS.maxPacketBytes,
  maxControlBytes: 16_384,
  maxTopicBytes: 512,
  maxTopicLevels: 32,
  maxClientIdBytes: 128,
  maxSubscriptions: 100,
  maxKeepAlive: 600_000,
  inboundWindow: 1_024,
  inboundBytes: 1_048_576,
  outboundWindow: 100,
  maxBufferedBytes: 4_194_304,
  stallTimeout: 30_000,
  maxSessions: 1_000,
  sessionExpiry: 604_800_000,
  maxQueuedMessages: 1_000,
  maxQueuedBytes: 16_777_216,
  maxReceived: 1_000,
  maxRetained: 10_000,
  maxRetainedBytes: 16_777_216,
})
