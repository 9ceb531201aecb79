import type {
  Authentication,
  Identity,
  JsonObject,
  Message,
  MethodResponse,
  SessionEnd,
  SessionOptions,
  Subscription,
} from '@edgewright/core'
import { type ClientTopic, parseSubscriptionFilter, Refusal } from '@edgewright/protocol'
import type { ISubscribePacket, IUnsubscribePacket, Packet } from 'mqtt-packet'
import { isFree, parseFilter } from '../free-topics/topic-filter.js'
import type { PeerFacts } from '../listener/listener.js'
import { type ConnectRequest, readConnect, ReturnCode } from './connect-request.js'
import { readMethodAnswer, readPatch, type TwinFailure } from '../control-bodies.js'

/** Where one MQTT connection stands. */
export type SessionState =
  | { readonly phase: 'new'; readonly peer: PeerFacts }
  /** Credentials, or the opening of the hub's session, are under way. */
  | { readonly phase: 'connecting'; readonly request: ConnectRequest }
  | OpenState
  | { readonly phase: 'closed' }

/** A connection whose client is known. */
export interface OpenState {
  readonly phase: 'open'
  readonly identity: Identity
  /** The granted filters, as the client wrote them. */
  readonly filters: ReadonlyMap<string, Grant>
  /** Subscriptions of an earlier connection, whose filters nobody remembers. */
  readonly restored: ReadonlySet<Subscription>
  readonly will: Message | undefined
}

/** A granted filter; twin responses have no subscription of the hub's. */
export interface Grant {
  readonly subscription: Subscription | undefined
  readonly qos: 0 | 1
}

/** A filter of free topics, and its place in the SUBSCRIBE. */
export interface TopicRequest {
  readonly place: number
  readonly filter: string
  readonly qos: 0 | 1
}

/** What happens to a connection. Telemetry and PUBACKs do not come this way: the connection handles them itself. */
export type SessionInput =
  /** A CONNECT of another version than 3.1.1 */
  | { readonly kind: 'foreign-version'; readonly level: number }
  | { readonly kind: 'packet'; readonly packet: Packet }
  /** A PUBLISH on a topic that is not telemetry. */
  | { readonly kind: 'control'; readonly topic: Exclude<ClientTopic, { kind: 'telemetry' }>; readonly body: Buffer }
  | { readonly kind: 'authenticated'; readonly verdict: Authentication }
  | {
      readonly kind: 'opened'
      readonly restored: ReadonlySet<Subscription>
      /** Whether subscriptions to free topics were restored, too. */
      readonly topicsRestored?: boolean | undefined
    }
  | { readonly kind: 'not-opened'; readonly reason: string }
  /** Bytes or packets that MQTT or the topic table does not allow. */
  | { readonly kind: 'violation'; readonly reason: string }
  /** The client did not do in time what it must. */
  | { readonly kind: 'overdue'; readonly reason: string }
  /** The socket is gone. */
  | { readonly kind: 'lost' }
  /** The hub ends the session. */
  | { readonly kind: 'ended'; readonly end: SessionEnd }

/** What the connection has to do about it, in order. */
export type SessionEffect =
  | { readonly kind: 'authenticate'; readonly request: ConnectRequest }
  | { readonly kind: 'open'; readonly options: Omit<SessionOptions, 'peer'>; readonly keepAlive: number }
  | { readonly kind: 'welcome'; readonly sessionPresent: boolean }
  /** CONNACK with this return code, then the end. */
  | { readonly kind: 'turn-away'; readonly returnCode: number; readonly reason: string; readonly badLogin: boolean }
  | {
      readonly kind: 'subscribe'
      readonly messageId: number
      readonly subscriptions: readonly Subscription[]
      /** Return codes, in which those for free topics are yet to be replaced. */
      readonly granted: readonly number[]
      readonly topics: readonly TopicRequest[]
    }
  | {
      readonly kind: 'unsubscribe'
      readonly messageId: number
      readonly subscriptions: readonly Subscription[]
      /** Filters of free topics. */
      readonly topics: readonly string[]
    }
  | { readonly kind: 'pong' }
  | { readonly kind: 'get-twin'; readonly requestId: string }
  | { readonly kind: 'report'; readonly requestId: string | undefined; readonly patch: JsonObject }
  | { readonly kind: 'fail-report'; readonly requestId: string; readonly failure: TwinFailure }
  | { readonly kind: 'answer-method'; readonly requestId: string; readonly response: MethodResponse }
  | { readonly kind: 'send-will'; readonly will: Message }
  | { readonly kind: 'close'; readonly end: SessionEnd; readonly reason: string }

/** The next state, and what to do. */
export interface Transition {
  readonly state: SessionState
  readonly effects: readonly SessionEffect[]
}

/** A connection of which nothing was heard yet. */
export function newSession(peer: PeerFacts): SessionState {
  return { phase: 'new', peer }
}

/** The MQTT session of one client, as IoT Hub has it. Source: wire reference, sections 2.2 to 2.8. */
export function advance(state: SessionState, input: SessionInput): Transition {
  if (state.phase === 'closed') return { state, effects: [] }
  switch (input.kind) {
    case 'foreign-version':
      return turnAway(ReturnCode.protocolVersion, `protocol level ${input.level} is not supported`, false)
    case 'packet':
      return onPacket(state, input.packet)
    case 'control':
      return onControl(state, input.topic, input.body)
    case 'authenticated':
      return onAuthenticated(state, input.verdict)
    case 'opened':
      return onOpened(state, input.restored, input.topicsRestored === true)
    case 'not-opened':
      return turnAway(ReturnCode.unavailable, input.reason, false)
    case 'violation':
      return closed(state, { kind: 'protocol-error', detail: input.reason }, input.reason)
    case 'overdue':
      return closed(state, { kind: 'client-left' }, input.reason)
    case 'lost':
      return closed(state, { kind: 'client-left' }, 'the connection was lost')
    case 'ended':
      return closed(state, input.end, input.end.kind)
  }
}

/** The QoS at which a client gets what it subscribed to: 1 after a restore, when the grant is not known. */
export function grantedQos(state: OpenState, subscription: Subscription): 0 | 1 {
  let granted: 0 | 1 | undefined
  for (const grant of state.filters.values()) {
    if (grant.subscription === subscription) granted = granted === 1 ? 1 : grant.qos
  }
  return granted ?? 1
}

function onPacket(state: SessionState, packet: Packet): Transition {
  if (packet.cmd === 'connect') {
    if (state.phase !== 'new') return violation(state, 'a second CONNECT [MQTT-3.1.0-2]')
    const request = readConnect(packet, state.peer)
    if ('returnCode' in request) return turnAway(request.returnCode, request.reason, true)
    return { state: { phase: 'connecting', request }, effects: [{ kind: 'authenticate', request }] }
  }
  if (state.phase !== 'open') return violation(state, 'a packet before CONNECT [MQTT-3.1.0-1]')
  switch (packet.cmd) {
    case 'subscribe':
      return isListOfFilters(packet.messageId, packet.subscriptions)
        ? onSubscribe(state, packet)
        : violation(state, 'a SUBSCRIBE without identifier or filter, or with too many [MQTT-3.8.3-3]')
    case 'unsubscribe':
      return isListOfFilters(packet.messageId, packet.unsubscriptions)
        ? onUnsubscribe(state, packet)
        : violation(state, 'an UNSUBSCRIBE without identifier or filter, or with too many [MQTT-3.10.3-2]')
    case 'pingreq':
      return { state, effects: [{ kind: 'pong' }] }
    case 'disconnect':
      return closed({ ...state, will: undefined }, { kind: 'client-left' }, 'the client disconnected')
    default:
      return violation(state, `a client may not send ${packet.cmd}`)
  }
}

function onAuthenticated(state: SessionState, verdict: Authentication): Transition {
  if (state.phase !== 'connecting') return { state, effects: [] }
  if (!verdict.accepted) {
    const known = verdict.reason !== 'unavailable'
    const returnCode = known ? ReturnCode.unauthorized : ReturnCode.unavailable
    return turnAway(returnCode, `${verdict.reason}: ${verdict.detail}`, known)
  }
  const { persistent, modelId, productInfo, keepAlive } = state.request
  const options = { identity: verdict.identity, expiresAt: verdict.expiresAt, persistent, modelId, productInfo }
  return { state, effects: [{ kind: 'open', options, keepAlive }] }
}

function onOpened(state: SessionState, restored: ReadonlySet<Subscription>, topicsRestored: boolean): Transition {
  if (state.phase !== 'connecting') return { state, effects: [] }
  const { identity, will } = state.request
  return {
    state: { phase: 'open', identity, filters: NO_FILTERS, restored, will },
    effects: [{ kind: 'welcome', sessionPresent: restored.size > 0 || topicsRestored }],
  }
}

function onSubscribe(state: OpenState, packet: ISubscribePacket): Transition {
  const filters = new Map(state.filters)
  const subscriptions = new Set<Subscription>()
  const topics: TopicRequest[] = []
  const granted = packet.subscriptions.map(({ topic, qos }, place) => {
    const filter = parseSubscriptionFilter(topic, state.identity)
    if (filter instanceof Refusal) {
      if (isFree(topic) && parseFilter(topic) !== undefined)
        topics.push({ place, filter: topic, qos: qos === 0 ? 0 : 1 })
      return SUBSCRIPTION_REFUSED
    }
    const grant: Grant = {
      subscription: filter.kind === 'subscription' ? filter.subscription : undefined,
      qos: qos === 0 ? 0 : 1,
    }
    filters.set(topic, grant)
    if (grant.subscription !== undefined) subscriptions.add(grant.subscription)
    return grant.qos
  })
  return {
    state: { ...state, filters },
    effects: [
      { kind: 'subscribe', messageId: packet.messageId ?? 0, subscriptions: [...subscriptions], granted, topics },
    ],
  }
}

function onUnsubscribe(state: OpenState, packet: IUnsubscribePacket): Transition {
  const filters = new Map(state.filters)
  const restored = new Set(state.restored)
  const named = new Set<Subscription>()
  const topics: string[] = []
  for (const topic of packet.unsubscriptions) {
    const filter = parseSubscriptionFilter(topic, state.identity)
    if (filter instanceof Refusal && isFree(topic) && parseFilter(topic) !== undefined) topics.push(topic)
    filters.delete(topic)
    if (filter instanceof Refusal || filter.kind !== 'subscription') continue
    restored.delete(filter.subscription)
    named.add(filter.subscription)
  }
  for (const grant of filters.values()) if (grant.subscription !== undefined) named.delete(grant.subscription)
  return {
    state: { ...state, filters, restored },
    effects: [{ kind: 'unsubscribe', messageId: packet.messageId ?? 0, subscriptions: [...named], topics }],
  }
}

function onControl(state: SessionState, topic: Exclude<ClientTopic, { kind: 'telemetry' }>, body: Buffer): Transition {
  switch (topic.kind) {
    case 'twin-get':
      return { state, effects: [{ kind: 'get-twin', requestId: topic.requestId }] }
    case 'report': {
      const { requestId } = topic
      const patch = readPatch(body)
      if (patch.kind === 'patch') return { state, effects: [{ kind: 'report', requestId, patch: patch.patch }] }
      return { state, effects: requestId === undefined ? [] : [{ kind: 'fail-report', requestId, failure: patch }] }
    }
    case 'method-response': {
      const { requestId, status } = topic
      return { state, effects: [{ kind: 'answer-method', requestId, response: readMethodAnswer(status, body) }] }
    }
  }
}

function turnAway(returnCode: number, reason: string, badLogin: boolean): Transition {
  return { state: { phase: 'closed' }, effects: [{ kind: 'turn-away', returnCode, reason, badLogin }] }
}

function violation(state: SessionState, reason: string): Transition {
  return closed(state, { kind: 'protocol-error', detail: reason }, reason)
}

/** The will goes out unless the client took its leave [MQTT-3.1.2-8]; the caller removes it then. */
function closed(state: SessionState, end: SessionEnd, reason: string): Transition {
  const will = state.phase === 'open' ? state.will : undefined
  const close: SessionEffect = { kind: 'close', end, reason }
  return { state: { phase: 'closed' }, effects: will === undefined ? [close] : [{ kind: 'send-will', will }, close] }
}

function isListOfFilters(messageId: number | undefined, filters: readonly unknown[]): boolean {
  return Boolean(messageId) && filters.length > 0 && filters.length <= MAX_FILTERS
}

/** Shared, so that an idle client costs none of its own. */
const NO_FILTERS: ReadonlyMap<string, Grant> = new Map()

const SUBSCRIPTION_REFUSED = 0x80
/** Filters of one packet. The topic table has fewer than ten for any one client. */
const MAX_FILTERS = 100
