import { Amqp, AmqpWs } from 'azure-iot-device-amqp'
import { Mqtt, MqttWs } from 'azure-iot-device-mqtt'

/** How a client can settle what it was given. */
export type Settling = 'complete' | 'reject' | 'abandon'

/** What is not the same for every client, and why; all else is one expectation for all of them. */
export interface TransportDifferences {
  readonly transport: typeof Mqtt | typeof MqttWs | typeof Amqp | typeof AmqpWs
  /** MQTT has PUBACK, which completes, and no packet for anything else. Wire reference, 2.6. */
  readonly settlings: readonly Settling[]
  /** MQTT has no packet for a new token, so the SDK connects anew; AMQP puts it on the open connection. 2.9, 3.2. */
  readonly renewsOnOpenConnection: boolean
  /** System properties that the SDK leaves out, or overwrites, on this transport. 2.5, 3.5. */
  readonly unsent: readonly ('userId' | 'to' | 'ack')[]
  /** The SDK encodes no `Date` over AMQP. 1.2 of the library notes, 9.4. */
  readonly expiry: (time: Date) => Date | number
}

const OVER_MQTT = {
  settlings: ['complete'],
  renewsOnOpenConnection: false,
  unsent: ['ack'],
  expiry: (time: Date) => time,
} as const

const OVER_AMQP = {
  settlings: ['complete', 'reject', 'abandon'],
  renewsOnOpenConnection: true,
  unsent: ['userId', 'to'],
  expiry: (time: Date) => time.getTime(),
} as const

/** The four transports. */
export const TRANSPORTS = {
  mqtt: { transport: Mqtt, ...OVER_MQTT },
  'mqtt-ws': { transport: MqttWs, ...OVER_MQTT },
  amqp: { transport: Amqp, ...OVER_AMQP },
  'amqp-ws': { transport: AmqpWs, ...OVER_AMQP },
} as const satisfies Record<string, TransportDifferences>

/** What the place that a client connects to has or has not. */
export interface WayDifferences {
  /** A hub in the cloud has no routes between modules: there, what a module puts out is telemetry. */
  readonly routesToInputs: boolean
  /** Modules call methods of their neighbours at the edge only. */
  readonly modulesCallMethods: boolean
}

/** Through a gateway, or straight to the cloud. */
export const WAYS = {
  gateway: { routesToInputs: true, modulesCallMethods: true },
  cloud: { routesToInputs: false, modulesCallMethods: false },
} as const satisfies Record<string, WayDifferences>

/** What devices and modules differ in. */
export interface KindDifferences {
  /** Modules get no messages from the cloud: the SDK has nothing for them. */
  readonly hasCommands: boolean
  /** Modules send on outputs and receive on inputs. */
  readonly hasOutputs: boolean
}

/** Devices and modules. */
export const KINDS = {
  device: { hasCommands: true, hasOutputs: false },
  module: { hasCommands: false, hasOutputs: true },
} as const satisfies Record<string, KindDifferences>

/** What is tried: every transport, both ways, as a device and as a module. */
export const CASES = (['gateway', 'cloud'] as const).flatMap(way =>
  (Object.keys(TRANSPORTS) as TransportName[]).flatMap(transport =>
    (['device', 'module'] as const).map(kind => ({ way, transport, kind })),
  ),
)

export type TransportName = keyof typeof TRANSPORTS
export type WayName = keyof typeof WAYS
export type KindName = keyof typeof KINDS
