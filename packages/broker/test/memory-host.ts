import {
  type Authentication,
  type ClientPeer,
  type Credentials,
  EdgewrightError,
  type HubSession,
  type Identity,
  identityKey,
  type JsonObject,
  type Message,
  type OpenedSession,
  type SendRefusal,
  type SessionEnd,
  type SessionHost,
  type SessionOptions,
  type Subscription,
  type Twin,
} from '@edgewright/core'
import { parseSasToken, Refusal, verifySasToken } from '@edgewright/protocol'

/** The host that tokens are made for. */
export const HUB_HOST = 'hub.test'
/** The key of every identity. */
export const KEY = Buffer.from('a key that all identities of the tests share').toString('base64')

/** A message as the host took it. */
export interface TakenMessage extends Message {
  readonly sender: string
}

/** A hub in memory, with levers for tests to pull. */
export class MemoryHost implements SessionHost {
  readonly sessions = new Map<string, MemorySession>()
  readonly taken: TakenMessage[] = []
  readonly batches: number[] = []
  readonly ends: { readonly client: string; readonly end: SessionEnd }[] = []
  readonly kept = new Map<string, ReadonlySet<Subscription>>()
  readonly credentials: Credentials[] = []
  twin: Twin = { desired: { properties: {}, version: 1 }, reported: { properties: {}, version: 1 } }
  /** Resolves when a batch is durable; replaced by tests that hold back. */
  durable: (batch: readonly Message[]) => Promise<readonly SendRefusal[]> = async () => []
  /** Called after anything changed. */
  #watchers: (() => void)[] = []

  constructor(readonly known: readonly Identity[]) {}

  authenticate(credentials: Credentials): Authentication {
    this.credentials.push(credentials)
    this.changed()
    const { identity } = credentials
    if (!this.known.some(known => identityKey(known) === identityKey(identity))) {
      return { accepted: false, reason: 'unknown-identity', detail: identityKey(identity) }
    }
    if (credentials.kind === 'certificate') return { accepted: true, identity }
    const token = parseSasToken(credentials.token)
    if (token instanceof Refusal) return { accepted: false, reason: 'malformed', detail: token.reason }
    const verdict = verifySasToken(token, {
      hosts: [HUB_HOST],
      identities: [identity],
      keys: [KEY],
      now: Date.now(),
    })
    return verdict.valid
      ? { accepted: true, identity, expiresAt: verdict.expiresAt }
      : { accepted: false, reason: verdict.reason, detail: 'refused' }
  }

  async openSession(options: SessionOptions): Promise<OpenedSession> {
    const key = identityKey(options.identity)
    this.sessions.get(key)?.end({ kind: 'taken-over' })
    const restored = new Set(options.persistent ? this.kept.get(key) : [])
    const session = new MemorySession(this, options, restored)
    this.sessions.set(key, session)
    this.changed()
    return { session, restored: new Set(restored) }
  }

  session(key: string): MemorySession {
    const session = this.sessions.get(key)
    if (session === undefined) throw new Error(`no session of ${key}`)
    return session
  }

  changed(): void {
    for (const watcher of [...this.#watchers]) watcher()
  }

  /** Resolves with the first value that is there. */
  until<T>(look: () => T | undefined | false): Promise<T> {
    return new Promise(resolve => {
      const watcher = () => {
        const found = look()
        if (found === undefined || found === false) return
        this.#watchers = this.#watchers.filter(other => other !== watcher)
        resolve(found)
      }
      this.#watchers.push(watcher)
      watcher()
    })
  }
}

/** One session of a {@link MemoryHost}. */
export class MemorySession implements HubSession {
  readonly identity: Identity
  readonly peer: ClientPeer
  readonly reported: JsonObject[] = []
  #open = true

  constructor(
    readonly host: MemoryHost,
    readonly options: SessionOptions,
    readonly subscriptions: Set<Subscription>,
  ) {
    this.identity = options.identity
    this.peer = options.peer
  }

  get isOpen(): boolean {
    return this.#open
  }

  async send(batch: readonly Message[]): Promise<readonly SendRefusal[]> {
    if (!this.#open) throw new EdgewrightError('SESSION_ENDED', 'This session has ended')
    const durable = this.host.durable(batch)
    this.host.changed()
    const refusals = await durable
    const refused = new Set(refusals.map(({ index }) => index))
    batch.forEach((message, index) => {
      if (!refused.has(index)) this.host.taken.push({ ...message, sender: identityKey(this.identity) })
    })
    this.host.batches.push(batch.length)
    this.host.changed()
    return refusals
  }

  async subscribe(subscription: Subscription): Promise<void> {
    this.subscriptions.add(subscription)
    this.#keep()
  }

  async unsubscribe(subscription: Subscription): Promise<void> {
    this.subscriptions.delete(subscription)
    this.#keep()
  }

  async getTwin(): Promise<Twin> {
    return this.host.twin
  }

  async report(patch: JsonObject): Promise<number> {
    this.reported.push(patch)
    const { desired, reported } = this.host.twin
    const version = reported.version + 1
    this.host.twin = { desired, reported: { properties: { ...reported.properties, ...patch }, version } }
    this.host.changed()
    return version
  }

  close(end: SessionEnd): void {
    this.end(end)
  }

  end(end: SessionEnd): void {
    if (!this.#open) return
    this.#open = false
    const key = identityKey(this.identity)
    if (this.host.sessions.get(key) === this) this.host.sessions.delete(key)
    this.host.ends.push({ client: key, end })
    if (end.kind !== 'client-left') this.peer.close(end)
    this.host.changed()
  }

  #keep(): void {
    if (this.options.persistent) this.host.kept.set(identityKey(this.identity), new Set(this.subscriptions))
    this.host.changed()
  }
}
