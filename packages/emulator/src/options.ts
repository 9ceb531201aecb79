import type { Clock, Logger, Meter } from '@edgewright/core'
import type { CommandOptions } from './state/commands.js'
import type { EventLogOptions } from './state/event-log.js'

/** Ports of the emulator; 0 takes any that is free. */
export interface EmulatorPorts {
  /** MQTT over TLS. @default 8883 */
  readonly mqtt?: number
  /** AMQP over TLS. @default 5671 */
  readonly amqp?: number
  /** HTTPS and WebSockets. @default 443 */
  readonly https?: number
}

/** The server certificate of the emulator; it makes none itself. */
export interface EmulatorTls {
  /** The certificate and what it takes to reach the authority, PEM. */
  readonly cert: string
  /** Its private key, PEM. */
  readonly key: string
}

/** How an emulator is made. */
export interface EmulatorOptions {
  readonly tls: EmulatorTls
  /**
   * Where to listen. The Azure SDKs cannot be told another port for several of their transports, so emulators beside
   * one another take an address of 127.0.0.0/8 each.
   *
   * @default '127.0.0.2'
   */
  readonly address?: string
  readonly ports?: EmulatorPorts
  /** The name in connection strings; clients must be able to look it up. @default the address */
  readonly hostName?: string
  /** Authorities, PEM, whose devices prove themselves by the common names of their certificates. */
  readonly authorities?: readonly string[]
  /** Of the provisioning service beside the hub. @default '0ne00000000' */
  readonly idScope?: string
  /** The name of the built-in event hub. @default 'messages' */
  readonly eventHubName?: string
  readonly events?: EventLogOptions
  readonly commands?: CommandOptions
  /** Folder that keeps registry, policies, twins and events over restarts; made if need be. @default memory only */
  readonly dataDir?: string
  /** What faults that strike by chance go by; the same seed gives the same course. @default 1 */
  readonly seed?: number
  readonly clock?: Clock
  readonly logger?: Logger
  readonly meter?: Meter
}

/** What applies where {@link EmulatorOptions} says nothing. */
export const EMULATOR_DEFAULTS = Object.freeze({
  address: '127.0.0.2',
  ports: Object.freeze({ mqtt: 8883, amqp: 5671, https: 443 }),
  eventHubName: 'messages',
  seed: 1,
})
