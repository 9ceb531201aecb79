import type { Counter, Gauge, Meter } from '@edgewright/core'

/** What free topics count. */
export interface TopicMetrics {
  readonly clients: Gauge
  readonly sessions: Gauge
  readonly retained: Gauge
  /** Messages that clients published. */
  readonly received: Counter
  /** Publishes and subscriptions that the policy or a limit refused. */
  readonly refused: Counter
  /** Messages that a client missed, because it was too slow or its session was full. */
  readonly dropped: Counter
  readonly refusedLogins: Counter
}

/** The series of free topics. */
export function topicMetrics(meter: Meter): TopicMetrics {
  return {
    clients: meter.gauge('topics_clients'),
    sessions: meter.gauge('topics_sessions'),
    retained: meter.gauge('topics_retained'),
    received: meter.counter('topics_messages_received'),
    refused: meter.counter('topics_refused'),
    dropped: meter.counter('topics_messages_dropped'),
    refusedLogins: meter.counter('topics_logins_refused'),
  }
}
