import type { Counter, Gauge, Meter } from '@edgewright/core'

/** What an AMQP front-end counts. */
export interface AmqpMetrics {
  readonly connections: Gauge
  /** Telemetry that came in, accepted or not. */
  readonly received: Counter
  readonly refusedLogins: Counter
  /** Connections closed because the client broke a rule, or cost too much. */
  readonly violations: Counter
}

/** The series of an AMQP front-end. */
export function amqpMetrics(meter: Meter): AmqpMetrics {
  return {
    connections: meter.gauge('amqp_connections'),
    received: meter.counter('amqp_messages_received'),
    refusedLogins: meter.counter('amqp_logins_refused'),
    violations: meter.counter('amqp_violations'),
  }
}
