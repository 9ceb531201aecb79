import type { Counter, Gauge, Meter } from '@edgewright/core'

/** What an MQTT front-end counts. */
export interface MqttMetrics {
  readonly connections: Gauge
  /** Telemetry that came in, acknowledged or not. */
  readonly received: Counter
  /** Inputs and commands handed to clients. */
  readonly delivered: Counter
  /** Deliveries that no topic can carry. */
  readonly undeliverable: Counter
  readonly refusedLogins: Counter
  /** Connections closed because the client broke a rule, or cost too much. */
  readonly violations: Counter
}

/** The series of an MQTT front-end. */
export function mqttMetrics(meter: Meter): MqttMetrics {
  return {
    connections: meter.gauge('mqtt_connections'),
    received: meter.counter('mqtt_messages_received'),
    delivered: meter.counter('mqtt_messages_delivered'),
    undeliverable: meter.counter('mqtt_messages_undeliverable'),
    refusedLogins: meter.counter('mqtt_logins_refused'),
    violations: meter.counter('mqtt_violations'),
  }
}
