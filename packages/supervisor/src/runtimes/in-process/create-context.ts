import {
  type Clock,
  createMessage,
  type HubSession,
  type JsonValue,
  type Logger,
  type Message,
  type ModuleSpecification,
  parseDuration,
} from '@edgewright/core'
import type { MessageParts, ModuleContext } from './module-context.js'
import type { ModulePeer } from './module-peer.js'
import { ticks } from './ticks.js'

/** What a context stands on. */
export interface ContextParts {
  readonly specification: ModuleSpecification
  readonly session: HubSession
  readonly peer: ModulePeer
  readonly clock: Clock
  readonly logger: Logger
  readonly signal: AbortSignal
}

/** What a module function gets to work with. What it never asks for is never subscribed. */
export function createContext({ specification, session, peer, clock, logger, signal }: ContextParts): ModuleContext {
  return {
    name: specification.name,
    environment: specification.environment,
    signal,
    logger,
    twin: {
      get: () => session.getTwin(signal),
      report: async patch => void (await session.report(patch)),
      async *changes() {
        await session.subscribe('desired')
        yield* peer.changes()
      },
    },
    output: name => ({
      send: (content, parts) => send(session, [compose(name, content, parts)]),
      forward: messages =>
        send(
          session,
          messages.map(message => onOutput(name, message)),
        ),
    }),
    async *input(name) {
      await session.subscribe('inputs')
      yield* peer.receive(name)
    },
    async method(name, handler) {
      peer.handle(name, handler)
      await session.subscribe('methods')
    },
    every: period => ticks(clock, parseDuration(period), signal),
  }
}

async function send(session: HubSession, messages: readonly Message[]): Promise<void> {
  const [refusal] = await session.send(messages)
  if (refusal !== undefined) throw refusal.error
}

function compose(output: string, content: Uint8Array | JsonValue, { properties, system }: MessageParts = {}): Message {
  const parts = properties === undefined ? {} : { properties }
  if (content instanceof Uint8Array) {
    return createMessage({ ...parts, body: content, system: { ...system, outputName: output } })
  }
  const json = { contentType: 'application/json', contentEncoding: 'utf-8' }
  return createMessage({ ...parts, body: JSON.stringify(content), system: { ...json, ...system, outputName: output } })
}

function onOutput(output: string, { body, properties, system }: Message): Message {
  return { body, properties, system: { ...system, outputName: output } }
}
