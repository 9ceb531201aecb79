import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import {
  ACCEPTED,
  type Clock,
  type CloudSession,
  type Connectivity,
  type DeliveryOutcome,
  type Identity,
  type IdentityKey,
  identityKey,
  type Message,
  retry,
  Service,
  systemClock,
  type Timer,
  type Upstream,
  type UpstreamEvents,
} from '@edgewright/core'
import { percentEncode } from '@edgewright/protocol'
import { refused } from '../errors.js'
import { appendMessages } from './telemetry-file.js'

/** Where messages go. */
export interface FolderUpstreamOptions {
  /** An existing folder, such as of a disk that is carried away. While it is not there, the upstream is offline. */
  readonly path: string
  /** Milliseconds between looks whether the folder is there. @default 1,000 */
  readonly lookEvery?: number | undefined
  /** @default the machine's clock */
  readonly clock?: Clock | undefined
}

/** What holds where {@link FolderUpstreamOptions} says nothing. */
export const FOLDER_UPSTREAM_DEFAULTS = Object.freeze({ lookEvery: 1_000 })

/**
 * A cloud that is a folder: telemetry of each identity is appended to a file of its own, a message a line, and accepted
 * when it is durable. There are no twins, methods or commands.
 */
export class FolderUpstream extends Service<UpstreamEvents> implements Upstream {
  readonly #path: string
  readonly #lookEvery: number
  readonly #clock: Clock
  readonly #sessions = new Map<IdentityKey, FolderSession>()
  #connectivity: Connectivity
  #timer: Timer | undefined

  constructor({ path, lookEvery = FOLDER_UPSTREAM_DEFAULTS.lookEvery, clock = systemClock }: FolderUpstreamOptions) {
    super()
    this.#path = path
    this.#lookEvery = lookEvery
    this.#clock = clock
    this.#connectivity = { type: 'offline', since: clock.now(), reason: 'not started' }
  }

  get connectivity(): Connectivity {
    return this.#connectivity
  }

  session(identity: Identity): CloudSession {
    const key = identityKey(identity)
    const known = this.#sessions.get(key)
    if (known !== undefined) return known
    const session = new FolderSession(identity, {
      append: messages => this.#append(key, messages),
      closed: () => this.#sessions.delete(key),
    })
    this.#sessions.set(key, session)
    return session
  }

  protected async onStart(): Promise<void> {
    await this.#look()
  }

  protected async onStop(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    await Promise.all([...this.#sessions.values()].map(session => session.idle()))
    this.#offline('stopped')
  }

  /** Looks whether the folder is there, and again in a while. */
  async #look(): Promise<void> {
    try {
      await access(this.#path, constants.W_OK)
      this.#online()
    } catch (error) {
      this.#offline(reasonOf(error))
    }
    if (this.state === 'starting' || this.state === 'running') {
      this.#timer = this.#clock.after(this.#lookEvery, () => void this.#look())
    }
  }

  async #append(key: IdentityKey, messages: readonly Message[]): Promise<DeliveryOutcome> {
    if (this.#connectivity.type === 'offline') return retry(this.#connectivity.reason)
    try {
      await appendMessages(join(this.#path, `${percentEncode(key)}.jsonl`), messages)
      return ACCEPTED
    } catch (error) {
      this.#offline(reasonOf(error))
      return retry(reasonOf(error))
    }
  }

  #online(): void {
    if (this.#connectivity.type === 'offline') this.#change({ type: 'online', since: this.#clock.now() })
  }

  #offline(reason: string): void {
    const { type, since } = this.#connectivity
    if (type === 'online') this.#change({ type: 'offline', since: this.#clock.now(), reason })
    else this.#connectivity = { type, since, reason }
  }

  #change(connectivity: Connectivity): void {
    this.#connectivity = connectivity
    this.emit('connectivity', connectivity)
  }
}

/** What a session asks of the upstream it belongs to. */
interface SessionHome {
  append(messages: readonly Message[]): Promise<DeliveryOutcome>
  closed(): void
}

class FolderSession implements CloudSession {
  readonly identity: Identity
  readonly #home: SessionHome
  #last: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(identity: Identity, home: SessionHome) {
    this.identity = identity
    this.#home = home
  }

  async send(batch: readonly Message[], signal?: AbortSignal): Promise<readonly DeliveryOutcome[]> {
    if (batch.length === 0) return []
    const turn = this.#last.then(() => this.#append(batch, signal))
    this.#last = turn
    const outcome = await turn
    return batch.map(() => outcome)
  }

  async getTwin(): Promise<never> {
    throw refused('a folder keeps no twins')
  }

  async report(): Promise<never> {
    throw refused('a folder keeps no twins')
  }

  handle(): void {
    // Nothing ever comes out of a folder by itself.
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#home.closed()
    await this.idle()
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.#last
  }

  async #append(batch: readonly Message[], signal: AbortSignal | undefined): Promise<DeliveryOutcome> {
    if (this.#closed) return retry('the session was closed')
    return signal?.aborted ? retry('aborted') : this.#home.append(batch)
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown }
  return code === 'ENOENT' ? 'the folder is not there' : String(code ?? message)
}
