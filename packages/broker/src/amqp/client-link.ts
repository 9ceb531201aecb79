import type { HubSession } from '@edgewright/core'
import type { Link } from './rhea.js'

/** What a link is for on which a client sends. */
export type IncomingRole = 'telemetry' | 'twin-requests' | 'method-answers'

/** What a link is for on which a client is sent to. */
export type OutgoingRole = 'inputs' | 'commands' | 'twin-notices' | 'method-calls'

/** What a link of a client is for; a client has one of each. */
export type LinkRole = IncomingRole | OutgoingRole

/** Roles that come in pairs, of which each link must have been attached for the other. */
export const PARTNERS: Readonly<Partial<Record<LinkRole, LinkRole>>> = Object.freeze({
  'twin-requests': 'twin-notices',
  'twin-notices': 'twin-requests',
  'method-answers': 'method-calls',
  'method-calls': 'method-answers',
})

/** One attached link of a client. */
export interface ClientLink {
  readonly link: Link
  /** What pairs it with its partner; only for roles that have one. */
  readonly correlation?: string | undefined
  /** The hub has opened the client's session: messages may flow. Called at most once. */
  open(session: HubSession): void
  /** The link is gone. The session is undefined when it was never opened. */
  close(session: HubSession | undefined): void
  /** The connection takes more again. */
  pump?(): void
  /** All frames of a chunk were read. @returns messages handed on */
  commit?(): number
}
