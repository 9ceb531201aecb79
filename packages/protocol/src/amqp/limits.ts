/** Figures of IoT Hub's AMQP endpoint. Source: AMQP 1.0 part 2 and the open-source edgeHub. */
export const AMQP_LIMITS = Object.freeze({
  /** The most one frame holds, in bytes. */
  maxFrameSize: 65_536,
  /** Announced by the hub, in milliseconds. */
  idleTimeout: 240_000,
  /** How often a client hears from the hub that announces nothing, in milliseconds. */
  heartbeat: 120_000,
  /** A client that announces less is refused, in milliseconds. */
  minimumIdleTimeout: 5_000,
  /** Announced on telemetry links, in bytes; some clients derive their batches from it. */
  maxMessageSize: 1_048_576,
  /** A batch that is larger is refused, in bytes. */
  maxBatchSize: 614_400,
})

/** The name WebSockets agree on for AMQP, and the path they ask for. */
export const AMQP_WEBSOCKET = Object.freeze({ protocol: 'AMQPWSB10', path: '/$iothub/websocket' })
