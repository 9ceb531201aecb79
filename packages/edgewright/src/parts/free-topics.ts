import { type BridgeRules, FreeTopics, type FreeTopicsOptions } from '@edgewright/broker'
import type { FreeTopicsPart } from '../context.js'
import { moduleHost } from './module-host.js'

/** Who may use free topics, and what they may cost. */
export interface FreeTopicsPartOptions
  extends Omit<FreeTopicsOptions, 'store' | 'deviceId' | 'bridge' | 'clock' | 'logger' | 'meter'> {
  /** Joins free topics and routes. @default they are not joined */
  readonly bridge?: BridgeRules | undefined
}

/**
 * Topics that are not IoT Hub's, on the gateway's MQTT listeners and kept in its store, for plain MQTT clients and for
 * those of IoT Hub.
 *
 * @throws on start, `TOPIC_POLICY`, `TOPIC_ACCOUNT`, `TOPIC_BRIDGE_RULE`
 */
export function freeTopics({ bridge, ...options }: FreeTopicsPartOptions): FreeTopicsPart {
  return context => {
    const { store, deviceId, clock, logger, meter } = context
    const joined = bridge && { ...bridge, host: moduleHost(context) }
    return new FreeTopics({ ...options, store, deviceId, bridge: joined, clock, logger, meter })
  }
}
