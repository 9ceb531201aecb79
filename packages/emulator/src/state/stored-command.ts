import type { Identity, Message, SystemProperties } from '@edgewright/core'

/** A message in the queue, as it is kept. */
export interface StoredCommand {
  readonly identity: Identity
  readonly sequenceNumber: number
  /** Base64. */
  readonly body: string
  readonly properties: readonly (readonly [string, string | null])[]
  readonly system: SystemProperties
  /** Milliseconds since 1970. */
  readonly enqueuedTime: number
  readonly expiresAt: number
  readonly deliveryCount: number
}

/** A message that a client has been given, and must settle. */
export interface CommandDelivery {
  readonly lockToken: string
  readonly message: Message
}

/** A message as it is kept, that nobody has been given yet. */
export function storedCommand(
  { body, properties, system }: Message,
  placed: Pick<StoredCommand, 'identity' | 'sequenceNumber' | 'enqueuedTime' | 'expiresAt'>,
): StoredCommand {
  return {
    ...placed,
    body: Buffer.from(body).toString('base64'),
    properties: [...properties],
    system,
    deliveryCount: 0,
  }
}

/** A message as its client gets it. */
export function deliveredMessage(command: StoredCommand, lockToken: string): Message {
  const { body, properties, system, enqueuedTime, deliveryCount, sequenceNumber } = command
  return {
    body: Buffer.from(body, 'base64'),
    properties: new Map(properties),
    system: { ...system, enqueuedTime: new Date(enqueuedTime).toISOString(), deliveryCount, sequenceNumber, lockToken },
  }
}
