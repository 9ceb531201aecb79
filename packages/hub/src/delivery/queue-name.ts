/** What a queue's name says: the endpoint it feeds, the priority of its messages and the lane whose order it keeps. */
export interface QueueName {
  readonly endpoint: string
  readonly priority: number
  /** For the cloud the sender's identity key; a module input has one lane only. */
  readonly lane: string
}

/** The lane of an endpoint that keeps one order for all senders. */
export const SINGLE_LANE = '-'

/** The name of a queue in the store. Neither lanes nor priorities contain a blank, so it can be read from its end. */
export function formatQueueName(name: QueueName): string {
  return `${name.endpoint} ${name.priority} ${name.lane}`
}

/** Reads what {@link formatQueueName} wrote; undefined for a queue that is not ours. */
export function parseQueueName(queue: string): QueueName | undefined {
  const parts = /^(.+) (\d{1,10}) ([^ ]+)$/s.exec(queue)
  if (parts === null) return undefined
  return { endpoint: parts[1]!, priority: Number(parts[2]), lane: parts[3]! }
}
