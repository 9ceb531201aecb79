import {
  type Identity,
  type IdentityKey,
  identityKey,
  type MethodRequest,
  type MethodResponse,
  type TwinPatch,
} from '@edgewright/core'

import { waitFor } from './wait-for.js'

/** Why the hub parts from a client. */
export type PartingReason = 'taken-over' | 'disabled' | 'removed' | 'expired' | 'stopping' | 'fault'

/** One connection, as far as the hub knows it: it may carry many identities. */
export interface ClientOwner {
  readonly transport: string
  /** Ends what of the connection belongs to one identity. */
  part(identity: Identity, reason: PartingReason): void
}

/** What a connected client has asked to be given. */
export interface ClientHandlers {
  /** A change of desired properties. */
  readonly desired: (patch: TwinPatch) => void
  /** A method call. Rejects when the client goes away; the caller keeps the time. */
  readonly method: (request: MethodRequest, signal: AbortSignal) => Promise<MethodResponse>
  /** There may be cloud-to-device messages to fetch. */
  readonly command: () => void
}

interface Client {
  readonly identity: Identity
  readonly owner: ClientOwner
  readonly handlers: Partial<ClientHandlers>
}

/** Tells of a client that came, went, or changed what it listens to. */
export type ClientChange =
  | { readonly kind: 'connected' | 'disconnected'; readonly identity: Identity; readonly transport: string }
  | { readonly kind: 'listening'; readonly identity: Identity; readonly handler: keyof ClientHandlers }

/**
 * Who is connected, and what reaches them. An identity has one connection at a time: the latest takes over.
 * Source: IoT Hub, "one connection per device identity".
 */
export class Clients {
  readonly #clients = new Map<IdentityKey, Client>()
  readonly #listeners = new Set<(change: ClientChange) => void>()

  /** Tells of every change. @returns stops it */
  watch(listener: (change: ClientChange) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** How many are connected. */
  get size(): number {
    return this.#clients.size
  }

  isConnected(identity: Identity): boolean {
    return this.#clients.has(identityKey(identity))
  }

  /** Keys of everybody connected. */
  connected(): IterableIterator<IdentityKey> {
    return this.#clients.keys()
  }

  /** Makes a connection the one of an identity; another that was is parted from. */
  claim(identity: Identity, owner: ClientOwner): void {
    const before = this.#clients.get(identityKey(identity))
    if (before?.owner === owner) return
    this.#clients.set(identityKey(identity), { identity, owner, handlers: {} })
    before?.owner.part(identity, 'taken-over')
    if (before === undefined) this.#tell({ kind: 'connected', identity, transport: owner.transport })
  }

  /** Ends a claim; nothing when another connection has taken over. */
  release(identity: Identity, owner: ClientOwner): void {
    if (this.#clients.get(identityKey(identity))?.owner !== owner) return
    this.#clients.delete(identityKey(identity))
    this.#tell({ kind: 'disconnected', identity, transport: owner.transport })
  }

  /** Sets or, without a handler, removes what takes one kind of thing for an identity claimed by this connection. */
  handle<Kind extends keyof ClientHandlers>(
    identity: Identity,
    owner: ClientOwner,
    kind: Kind,
    handler: ClientHandlers[Kind] | undefined,
  ): void {
    const client = this.#clients.get(identityKey(identity))
    if (client?.owner !== owner) return
    this.#clients.set(identityKey(identity), { ...client, handlers: { ...client.handlers, [kind]: handler } })
    if (handler !== undefined) this.#tell({ kind: 'listening', identity, handler: kind })
  }

  /** What a client is listening with; undefined when it is not connected or does not listen. */
  handler<Kind extends keyof ClientHandlers>(identity: Identity, kind: Kind): Partial<ClientHandlers>[Kind] {
    return this.#clients.get(identityKey(identity))?.handlers[kind]
  }

  /**
   * Waits until a client is connected and listens; at once when it does already.
   *
   * @returns what it listens with
   * @throws the signal's reason when it is aborted first
   */
  whenListening<Kind extends keyof ClientHandlers>(
    identity: Identity,
    kind: Kind,
    signal?: AbortSignal,
  ): Promise<ClientHandlers[Kind]> {
    const look = () => this.handler(identity, kind) as ClientHandlers[Kind] | undefined
    return waitFor(look, changed => this.watch(changed), signal)
  }

  /** Parts from an identity, if it is connected. */
  part(identity: Identity, reason: PartingReason): void {
    const client = this.#clients.get(identityKey(identity))
    if (client === undefined) return
    this.#clients.delete(identityKey(identity))
    client.owner.part(identity, reason)
    this.#tell({ kind: 'disconnected', identity, transport: client.owner.transport })
  }

  #tell(change: ClientChange): void {
    for (const listener of [...this.#listeners]) listener(change)
  }
}
