import type { LineTransport } from '../network/line.js'
import type { RefusalName } from '../state/hub-error.js'
import type { Side } from './side.js'

/** Whom a fault hits: everybody who fits all that is said; nothing said: everybody. */
export interface FaultTarget {
  /** Devices and gateways, or back-ends. */
  readonly side?: Side
  /** `device` or `device/module`. */
  readonly identity?: string
  /** Number of a connection, as the log has it. */
  readonly connection?: number
  readonly transport?: LineTransport | 'https'
}

/** How often a fault strikes; nothing said: each time. */
export interface FaultRate {
  /** Only the so-manieth, once. */
  readonly nth?: number
  /** Every so-manieth. */
  readonly every?: number
  /** 0 to 1, by the emulator's seed. */
  readonly probability?: number
}

/** What goes wrong. */
export type FaultEffect =
  /** Connections are dropped, and new ones too. Of an identity on a shared connection: its links only. */
  | { readonly kind: 'cut' }
  /** New connections are dropped; those that are open live on. */
  | { readonly kind: 'refuse' }
  /** Connections stay open and nothing comes through, either way, until the fault is lifted. */
  | { readonly kind: 'silence' }
  /** Everything takes longer, each way, by `milliseconds` and up to `jitter` more. */
  | { readonly kind: 'delay'; readonly milliseconds: number; readonly jitter?: number }
  /** Each way of a connection carries no more than this. */
  | { readonly kind: 'slow'; readonly bytesPerSecond: number }
  /** Telemetry, twin requests and HTTP requests are told to slow down. */
  | ({ readonly kind: 'throttle' } & FaultRate)
  /** Telemetry is refused, or patches of reported properties. */
  | ({ readonly kind: 'reject'; readonly as?: RefusalName; readonly of?: 'telemetry' | 'report' } & FaultRate)
  /** The connection is dropped as telemetry comes, which is not taken. */
  | ({ readonly kind: 'drop' } & FaultRate)

/** A fault: what, for whom, how long. */
export type FaultSpecification = FaultEffect & {
  readonly target?: FaultTarget
  /** Milliseconds after which it is lifted by itself. @default never */
  readonly duration?: number
}

/** A fault at work. */
export interface Fault {
  /** 1, 2, 3 … in the order of injection. */
  readonly id: number
  readonly specification: FaultSpecification
  /** How often it has struck. */
  readonly strikes: number
}
