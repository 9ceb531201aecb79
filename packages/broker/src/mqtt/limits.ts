import { MAX_MESSAGE_BYTES } from '@edgewright/core'

/** What one MQTT client may cost. Times in milliseconds. */
export interface MqttLimits {
  /** Bytes of one packet, judged by its fixed header. @default body and topic of the largest message, 327,688 */
  readonly maxPacketBytes?: number | undefined
  /** Bytes of a CONNECT packet, which costs memory before anyone is known. @default 98,304 */
  readonly maxConnectBytes?: number | undefined
  /** Time from connection to accepted login. @default 60,000 */
  readonly connectTimeout?: number | undefined
  /** The longest keep-alive granted; also what a keep-alive of 0 stands for. @default 600,000 */
  readonly maxKeepAlive?: number | undefined
  /** Messages and requests of a client under way; reading stops when it is reached. @default 2,048 */
  readonly inboundWindow?: number | undefined
  /** Bytes of a client's messages under way; reading stops when it is reached. @default 1 MiB */
  readonly inboundBytes?: number | undefined
  /** Twin requests and subscriptions of a client under way; reading stops when it is reached. @default 64 */
  readonly maxRequests?: number | undefined
  /** Deliveries that wait for a client's PUBACK. @default 256 */
  readonly outboundWindow?: number | undefined
  /** Method calls that wait for a client's answer. @default 128 */
  readonly maxMethods?: number | undefined
  /** Bytes that wait to be taken by a client; beyond it the client is closed. @default 4 MiB */
  readonly maxBufferedBytes?: number | undefined
  /** Time for which a client may take nothing of what waits for it. @default 30,000 */
  readonly stallTimeout?: number | undefined
  /** Time for accepted work to be stored and answered when the front-end stops. @default 5,000 */
  readonly stopTimeout?: number | undefined
}

/** {@link MqttLimits} with nothing left open. */
export type NormalMqttLimits = { readonly [K in keyof MqttLimits]-?: number }

/** The most bytes of a topic, by its two bytes of length. */
export const MAX_TOPIC_BYTES = 65_535

/** What an MQTT client may cost when it is not told. */
export const MQTT_LIMITS: NormalMqttLimits = Object.freeze({
  maxPacketBytes: MAX_MESSAGE_BYTES + MAX_TOPIC_BYTES + 9,
  maxConnectBytes: 98_304,
  connectTimeout: 60_000,
  maxKeepAlive: 600_000,
  inboundWindow: 2_048,
  inboundBytes: 1_048_576,
  maxRequests: 64,
  outboundWindow: 256,
  maxMethods: 128,
  maxBufferedBytes: 4_194_304,
  stallTimeout: 30_000,
  stopTimeout: 5_000,
})
