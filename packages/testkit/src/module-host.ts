import {
  type ClientPeer,
  EdgewrightError,
  type HubSession,
  type JsonObject,
  type Message,
  type MethodRequest,
  type MethodResponse,
  type ModuleHost,
  type SessionEnd,
  type Settlement,
  type Subscription,
  type Twin,
} from '@edgewright/core'

/** A message that a module sent. */
export interface SentMessage {
  readonly moduleId: string
  readonly message: Message
}

/** What a {@link memoryModuleHost} is like. */
export interface MemoryModuleHostOptions {
  /** The device whose modules connect. @default 'device' */
  readonly deviceId?: string
  /** Looks at each message first; what it gives is thrown to the module instead of taking the message. */
  readonly refuse?: (message: Message) => EdgewrightError | undefined
}

/** A hub of one program's modules, in memory: for testing module functions by themselves. */
export interface MemoryModuleHost extends ModuleHost {
  /** Everything that was sent, in order. */
  readonly sent: readonly SentMessage[]
  /** Resolves with the first so many messages, as soon as they are there. */
  untilSent(count: number): Promise<readonly SentMessage[]>
  /** Gives a message to an input. Resolves with what the module made of it, or `abandoned` when it is not there. */
  deliver(moduleId: string, input: string, message: Message, redelivered?: boolean): Promise<Settlement>
  /** Resolves when a connected module has subscribed to something. */
  untilSubscribed(moduleId: string, subscription: Subscription): Promise<void>
  /** Changes the desired properties of a module: the top-level members given are replaced. */
  setDesired(moduleId: string, patch: JsonObject): void
  twin(moduleId: string): Twin
  /** Calls a method of a connected module. */
  invoke(moduleId: string, name: string, payload?: MethodRequest['payload']): Promise<MethodResponse>
  /** Ends a module's session from the hub's side. */
  end(moduleId: string, end: SessionEnd): void
}

interface Connection {
  readonly peer: ClientPeer
  readonly subscriptions: Set<Subscription>
}

const EMPTY_TWIN: Twin = { desired: { properties: {}, version: 1 }, reported: { properties: {}, version: 1 } }

/** Makes a hub of modules in memory. */
export function memoryModuleHost(options: MemoryModuleHostOptions = {}): MemoryModuleHost {
  const { deviceId = 'device', refuse = () => undefined } = options
  const sent: SentMessage[] = []
  const connections = new Map<string, Connection>()
  const twins = new Map<string, Twin>()
  let waiting: { readonly holds: () => boolean; readonly resolve: () => void }[] = []

  const twin = (moduleId: string) => twins.get(moduleId) ?? EMPTY_TWIN

  function until(holds: () => boolean): Promise<void> {
    return holds() ? Promise.resolve() : new Promise(resolve => waiting.push({ holds, resolve }))
  }

  function changed(): void {
    const reached = waiting.filter(({ holds }) => holds())
    waiting = waiting.filter(waiter => !reached.includes(waiter))
    for (const { resolve } of reached) resolve()
  }

  function connected(moduleId: string): Connection {
    const connection = connections.get(moduleId)
    if (connection === undefined) throw new EdgewrightError('NOT_RUNNING', `${moduleId} is not connected`)
    return connection
  }

  function session(moduleId: string, connection: Connection): HubSession {
    const assertOpen = () => {
      if (connections.get(moduleId) !== connection) {
        throw new EdgewrightError('NOT_RUNNING', `The session of ${moduleId} has ended`)
      }
    }
    return {
      identity: { deviceId, moduleId },
      async send(batch) {
        assertOpen()
        const refusals = batch.flatMap((message, index) => {
          const error = refuse(message)
          if (error === undefined) sent.push({ moduleId, message })
          return error === undefined ? [] : [{ index, error }]
        })
        changed()
        return refusals
      },
      async subscribe(subscription) {
        assertOpen()
        connection.subscriptions.add(subscription)
        changed()
      },
      async unsubscribe(subscription) {
        connection.subscriptions.delete(subscription)
      },
      async getTwin() {
        assertOpen()
        return twin(moduleId)
      },
      async report(patch) {
        assertOpen()
        const { desired, reported } = twin(moduleId)
        const version = reported.version + 1
        twins.set(moduleId, { desired, reported: { properties: { ...reported.properties, ...patch }, version } })
        return version
      },
      close() {
        if (connections.get(moduleId) === connection) connections.delete(moduleId)
      },
    }
  }

  return {
    sent,
    twin,
    async connect(moduleId, peer) {
      connections.get(moduleId)?.peer.close({ kind: 'taken-over' })
      const connection = { peer, subscriptions: new Set<Subscription>() }
      connections.set(moduleId, connection)
      changed()
      return session(moduleId, connection)
    },
    async untilSent(count) {
      await until(() => sent.length >= count)
      return sent.slice(0, count)
    },
    deliver(moduleId, input, message, redelivered = false) {
      const connection = connections.get(moduleId)
      if (!connection?.subscriptions.has('inputs')) return Promise.resolve('abandoned')
      return new Promise(settle => connection.peer.deliver([{ message, input, redelivered, settle }]))
    },
    untilSubscribed: (moduleId, subscription) =>
      until(() => connections.get(moduleId)?.subscriptions.has(subscription) === true),
    setDesired(moduleId, patch) {
      const { desired, reported } = twin(moduleId)
      const version = desired.version + 1
      twins.set(moduleId, { desired: { properties: { ...desired.properties, ...patch }, version }, reported })
      const connection = connections.get(moduleId)
      if (connection?.subscriptions.has('desired')) connection.peer.desired({ patch, version })
    },
    async invoke(moduleId, name, payload) {
      const request = { name, payload, responseTimeout: 30_000, connectTimeout: 0 }
      return await connected(moduleId).peer.method(request, new AbortController().signal)
    },
    end(moduleId, end) {
      const { peer } = connected(moduleId)
      connections.delete(moduleId)
      peer.close(end)
    },
  }
}
