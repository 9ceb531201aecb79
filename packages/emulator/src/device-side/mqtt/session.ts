import { randomUUID } from 'node:crypto'
import {
  type Identity,
  MAX_MESSAGE_BYTES,
  type Message,
  messageSize,
  type MethodRequest,
  type MethodResponse,
  sameIdentity,
  type Subscription,
} from '@edgewright/core'
import {
  type ClientTopic,
  formatHubTopic,
  type MethodResponseTopic,
  parseClientTopic,
  parseSubscriptionFilter,
  Refusal,
  type ReportTopic,
  type TelemetryTopic,
} from '@edgewright/protocol'
import type { ClientOwner } from '../../state/clients.js'
import type { AuthenticationMethod } from '../../state/event.js'
import { HubError } from '../../state/hub-error.js'
import type { HubState } from '../../state/hub-state.js'
import type { CommandDelivery } from '../../state/stored-command.js'
import type { Grant } from '../../state/stored-subscriptions.js'
import { clientTwinJson, desiredPatchJson, patchFromBytes } from '../../state/twins.js'
import { errorBody } from '../error-body.js'
import { methodBody, methodPayload } from '../method-payload.js'
import { PendingCalls } from '../pending-calls.js'
import { CommandWindow } from './command-window.js'

/** What a session says to its client. */
export interface SessionOutput {
  publish(topic: string, payload: Uint8Array, qos: 0 | 1, messageId?: number): void
}

/** What a session is made of. */
export interface SessionOptions {
  readonly identity: Identity
  readonly authentication: AuthenticationMethod
  readonly state: HubState
  readonly owner: ClientOwner
  readonly output: SessionOutput
}

/** A message as MQTT publishes it. */
export interface Publication {
  readonly topic: string
  readonly payload: Uint8Array
  readonly retain: boolean
}

/** What one authenticated MQTT client says and is told; knows topics, but no packets and no socket. */
export class MqttSession {
  readonly #options: SessionOptions
  readonly #granted = new Map<string, 0 | 1>()
  readonly #calls = new PendingCalls()
  readonly #commands: CommandWindow
  /** Granted for cloud-to-device messages; undefined while nobody subscribes to them. */
  #commandQos: 0 | 1 | undefined

  constructor(options: SessionOptions) {
    this.#options = options
    const { identity, state } = options
    this.#commands = new CommandWindow(identity, state.commands, (delivery, qos, messageId) =>
      this.#command(delivery, qos, messageId),
    )
  }

  /** What the client is subscribed to. */
  get grants(): Iterable<Grant> {
    return this.#granted
  }

  /**
   * Takes what the client publishes. Answers to requests are published; telemetry is in the log when this returns.
   *
   * @throws `HUB_NOT_FOUND`, `HUB_UNAUTHORIZED`, `HUB_MESSAGE_TOO_LARGE`: the connection must be closed
   */
  publish(publication: Publication): void {
    const topic = parseClientTopic(publication.topic)
    if (topic instanceof Refusal) throw new HubError('NotFound', topic.reason)
    this.#take(topic, publication)
  }

  /** Sends the will as telemetry, marked as one. */
  will(publication: Publication): void {
    const topic = parseClientTopic(publication.topic)
    if (topic instanceof Refusal || topic.kind !== 'telemetry') return
    const properties = new Map(topic.properties).set('iothub-MessageType', 'Will')
    try {
      this.#telemetry({ ...topic, properties }, publication)
    } catch {
      // Nobody is left to be told that the will cannot be carried out.
    }
  }

  /** @returns the quality of service that is granted; undefined when the filter is refused */
  subscribe(filter: string, qos: number): 0 | 1 | undefined {
    const parsed = parseSubscriptionFilter(filter, this.#options.identity)
    if (parsed instanceof Refusal) return undefined
    const granted = qos === 0 ? 0 : 1
    this.#granted.set(filter, granted)
    if (parsed.kind === 'subscription') this.#listen(parsed.subscription, granted)
    return granted
  }

  unsubscribe(filter: string): void {
    const { identity, owner, state } = this.#options
    this.#granted.delete(filter)
    const parsed = parseSubscriptionFilter(filter, identity)
    if (parsed instanceof Refusal || parsed.kind !== 'subscription') return
    if (parsed.subscription === 'commands') this.#commandQos = undefined
    const handler = HANDLERS[parsed.subscription]
    if (handler !== undefined) state.clients.handle(identity, owner, handler, undefined)
  }

  /** The client has acknowledged a delivery. */
  acknowledged(messageId: number): void {
    this.#commands.acknowledged(messageId)
    this.deliver()
  }

  /** Sends what waits for the client: to be called once it knows that it is connected, or subscribed. */
  deliver(): void {
    if (this.#commandQos !== undefined) this.#commands.fill(this.#commandQos)
  }

  /** The client is gone. */
  end(): void {
    this.#calls.abandon()
  }

  #take(topic: ClientTopic, publication: Publication): void {
    if (topic.kind === 'telemetry') this.#telemetry(topic, publication)
    else if (topic.kind === 'twin-get') this.#answer(topic.requestId, () => ({ status: 200, body: this.#twin() }))
    else if (topic.kind === 'report') this.#report(topic, publication.payload)
    else this.#methodResponse(topic, publication.payload)
  }

  #telemetry({ identity, properties, system }: TelemetryTopic, { payload, retain }: Publication): void {
    if (!sameIdentity(identity, this.#options.identity)) {
      throw new HubError('IotHubUnauthorizedAccess', 'The topic names another identity')
    }
    const marked = retain ? new Map(properties).set('mqtt-retain', 'true') : properties
    const message: Message = { body: payload, properties: marked, system }
    if (messageSize(message) > MAX_MESSAGE_BYTES) throw new HubError('MessageTooLarge', 'The message is too large')
    this.#options.state.ingest(identity, this.#options.authentication, [message])
  }

  #twin(): Buffer {
    const { identity, state } = this.#options
    return json(clientTwinJson(state.twins.clientTwin(identity)))
  }

  #report({ requestId }: ReportTopic, payload: Uint8Array): void {
    const { identity, state } = this.#options
    this.#answer(requestId, () => ({ status: 204, version: state.report(identity, patchFromBytes(payload)) }))
  }

  #answer(
    requestId: string | undefined,
    work: () => { readonly status: number; readonly version?: number; readonly body?: Buffer },
  ): void {
    const say = (status: number, body: Uint8Array = NO_BODY, version?: number) => {
      if (requestId === undefined) return
      const topic = formatHubTopic({ kind: 'twin-response', status, requestId, version })
      this.#options.output.publish(topic, body, 0)
    }
    const refuse = (error: unknown) => {
      const refusal = HubError.from(error)
      say(refusal.status, errorBody(refusal))
    }
    try {
      this.#options.state.admitTwinRequest(this.#options.identity)
      const { status, version, body } = work()
      this.#options.state.whenKept(failure => (failure === undefined ? say(status, body, version) : refuse(failure)))
    } catch (error) {
      refuse(error)
    }
  }

  #listen(subscription: Subscription, qos: 0 | 1): void {
    const { identity, owner, output, state } = this.#options
    if (subscription === 'commands') {
      this.#commandQos = qos
      state.clients.handle(identity, owner, 'command', () => this.deliver())
    } else if (subscription === 'desired') {
      state.clients.handle(identity, owner, 'desired', patch => {
        const topic = formatHubTopic({ kind: 'desired', version: patch.version })
        output.publish(topic, json(desiredPatchJson(patch)), 0)
      })
    } else if (subscription === 'methods') {
      state.clients.handle(identity, owner, 'method', (request, signal) => this.#call(request, signal))
    }
  }

  #call({ name, payload }: MethodRequest, signal: AbortSignal): Promise<MethodResponse> {
    const requestId = randomUUID()
    this.#options.output.publish(formatHubTopic({ kind: 'method-request', name, requestId }), methodBody(payload), 0)
    return this.#calls.wait(requestId, signal)
  }

  #methodResponse({ requestId, status }: MethodResponseTopic, body: Uint8Array): void {
    this.#calls.answer(requestId, { status: status ?? BAD_REQUEST, payload: methodPayload(body) })
  }

  #command({ message }: CommandDelivery, qos: 0 | 1, messageId: number): void {
    const { identity, output } = this.#options
    const topic = formatHubTopic({ kind: 'command', identity, properties: message.properties, system: message.system })
    output.publish(topic, message.body, qos, messageId)
  }
}

const HANDLERS = { commands: 'command', desired: 'desired', methods: 'method', inputs: undefined } as const
const BAD_REQUEST = 400
const NO_BODY = Buffer.alloc(0)

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value), 'utf8')
}
