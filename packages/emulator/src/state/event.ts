import type { Identity, Message } from '@edgewright/core'

/** How the sender of an event had proven itself, as the event carries it. Source: `iothub-connection-auth-method`. */
export interface AuthenticationMethod {
  readonly scope: 'device' | 'module' | 'hub'
  readonly type: 'sas' | 'x509Certificate' | 'x509CertificateAuthority'
}

/** What an event tells of. Source: IoT Hub message routing, `iothub-message-source`. */
export type EventSource = 'Telemetry' | 'twinChangeEvents' | 'deviceLifecycleEvents' | 'deviceConnectionStateEvents'

/** Something a device sent or the hub noticed, not yet in the log. */
export interface NewEvent {
  /** Who sent it, from the link or session that was authenticated; never from the message. */
  readonly sender: Identity
  readonly generationId: string
  readonly authentication: AuthenticationMethod
  readonly source: EventSource
  readonly message: Message
}

/** An event in the log. */
export interface HubEvent extends NewEvent {
  /** Index of the partition. */
  readonly partition: number
  /** 0, 1, 2 … within the partition. */
  readonly sequenceNumber: number
  /** Position within the partition, as text. */
  readonly offset: string
  /** Milliseconds since 1970 when the hub took it. */
  readonly enqueuedTime: number
}
