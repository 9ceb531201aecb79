import { type Clock, describeError, type Identity, identityKey, type Logger, type Timer } from '@edgewright/core'
import mqttPacket, {
  type IConnectPacket,
  type IPublishPacket,
  type ISubscribePacket,
  type IUnsubscribePacket,
  type Packet,
} from 'mqtt-packet'
import type { Line } from '../../network/line.js'
import { authenticationOf, type Principal } from '../../state/authority.js'
import type { ClientOwner } from '../../state/clients.js'
import type { HubState } from '../../state/hub-state.js'
import { CONNACK, login, type Welcome } from './login.js'
import { guardPackets } from './packet-guard.js'
import { MqttSession, type Publication, type SessionOutput } from './session.js'

const CONNECT_TIMEOUT = 60_000
/** The longest that a client may be silent, whatever keep-alive it asks for. Source: IoT Hub, MQTT support. */
const LONGEST_SILENCE = 1_767_000
const REFUSED_FILTER = 0x80
/** Bytes that may wait for a client that does not read before it is dropped. */
const MAX_BACKLOG = 16_777_216

/** What a connection works with. */
export interface MqttConnectionOptions {
  readonly state: HubState
  readonly clock: Clock
  readonly logger: Logger
  /** Asked as a client proves an identity; one that is not welcome is dropped. */
  readonly admit: (line: Line, principal: Principal, owner: ClientOwner) => 'welcome' | 'refuse' | 'drop'
  /** Milliseconds a token counts after its expiry. */
  readonly tokenSkew: number
}

interface Live {
  readonly identity: Identity
  readonly session: MqttSession
  readonly isPersistent: boolean
  readonly will: IConnectPacket['will']
  /** Milliseconds. */
  readonly longestSilence: number
}

/** One MQTT connection: packets to and from a session, keep-alive, and the order of acknowledgements. */
export class MqttConnection implements ClientOwner, SessionOutput {
  readonly line: Line
  readonly transport: string
  readonly #options: MqttConnectionOptions
  #live: Live | undefined
  #silence: Timer
  #expiry: Timer | undefined

  constructor(line: Line, options: MqttConnectionOptions) {
    this.line = line
    this.transport = line.info.transport
    this.#options = options
    this.#silence = options.clock.after(CONNECT_TIMEOUT, () => line.destroy())
    guardPackets(line)
    const parser = mqttPacket.parser({ protocolVersion: 4 })
    parser.on('packet', (packet: Packet) => this.#packet(packet))
    parser.on('error', (error: Error) => this.#fail(error.message))
    line.on('data', chunk => {
      if (!line.isOver) parser.parse(chunk)
    })
    line.once('end', () => this.#over())
  }

  part(): void {
    this.line.end()
  }

  /** Publishes to the client; the retain flag is never set. */
  publish(topic: string, payload: Uint8Array, qos: 0 | 1, messageId?: number): void {
    this.#write({ cmd: 'publish', topic, payload: Buffer.from(payload), qos, dup: false, retain: false, messageId })
  }

  #packet(packet: Packet): void {
    if (this.line.isOver) return
    if (packet.cmd === 'connect') this.#connect(packet)
    else if (this.#live === undefined) this.#fail(`${packet.cmd} before CONNECT`)
    else this.#livePacket(packet, this.#live)
  }

  #livePacket(packet: Packet, live: Live): void {
    this.#heard(live)
    if (packet.cmd === 'publish') this.#publish(packet, live)
    else if (packet.cmd === 'puback') live.session.acknowledged(packet.messageId ?? 0)
    else if (packet.cmd === 'subscribe') this.#subscribe(packet, live)
    else if (packet.cmd === 'unsubscribe') this.#unsubscribe(packet, live)
    else if (packet.cmd === 'pingreq') this.#write({ cmd: 'pingresp' })
    else if (packet.cmd === 'disconnect') this.#disconnect(live)
    else this.#fail(`an unexpected ${packet.cmd}`)
  }

  #disconnect(live: Live): void {
    this.#live = { ...live, will: undefined }
    this.line.end()
  }

  #connect(packet: IConnectPacket): void {
    const { state, logger } = this.#options
    if (this.#live !== undefined) {
      this.#fail('a second CONNECT')
      return
    }
    const result = login(packet, state.authority, this.line.info.certificate)
    if (result.kind === 'welcome') {
      this.#welcome(packet, result)
      return
    }
    const { reason, claimed, returnCode } = result
    logger.log('info', 'MQTT client refused', { connection: this.line.info.id, reason, claimed })
    this.#write({ cmd: 'connack', returnCode, sessionPresent: false })
    this.line.end()
  }

  #welcome({ clean, keepalive = 0, will }: IConnectPacket, { identity, principal, modelId }: Welcome): void {
    const { state, admit } = this.#options
    if (admit(this.line, principal, this) !== 'welcome') {
      this.line.destroy()
      return
    }
    state.clients.claim(identity, this)
    if (modelId !== undefined) state.twins.setModelId(identity, modelId)
    const authentication = authenticationOf(principal)
    const session = new MqttSession({ identity, authentication, state, owner: this, output: this })
    const isPersistent = clean !== true
    const stored = isPersistent ? state.subscriptions.find(identity) : undefined
    for (const [filter, qos] of stored ?? []) session.subscribe(filter, qos)
    if (isPersistent) state.subscriptions.keep(identity, session.grants)
    else state.subscriptions.forget(identity)
    const longestSilence = Math.min(keepalive === 0 ? LONGEST_SILENCE : keepalive * 1_500, LONGEST_SILENCE)
    this.#live = { identity, session, isPersistent, will, longestSilence }
    this.#heard(this.#live)
    this.#expireWith(principal)
    this.#write({ cmd: 'connack', returnCode: CONNACK.accepted, sessionPresent: stored !== undefined })
    session.deliver()
  }

  #expireWith({ expiresAt }: Principal): void {
    const { clock, tokenSkew } = this.#options
    if (!Number.isFinite(expiresAt)) return
    this.#expiry = clock.after(expiresAt + tokenSkew - clock.now(), () => this.#fail('its token has expired'))
  }

  #publish(packet: IPublishPacket, { session }: Live): void {
    if (packet.qos === 2) {
      this.#fail('QoS 2')
      return
    }
    try {
      session.publish(publicationOf(packet))
    } catch (error) {
      this.#fail(describeError(error))
      return
    }
    if (packet.qos === 0) return
    // Acknowledgements leave in the order of arrival, because what is kept is kept in that order.
    this.#options.state.whenKept(failure => {
      if (failure === undefined) this.#write({ cmd: 'puback', messageId: packet.messageId })
      else this.#fail('what it sent cannot be kept')
    })
  }

  #subscribe({ messageId, subscriptions }: ISubscribePacket, { identity, isPersistent, session }: Live): void {
    const granted = subscriptions.map(({ topic, qos }) => session.subscribe(topic, qos) ?? REFUSED_FILTER)
    if (isPersistent) this.#options.state.subscriptions.keep(identity, session.grants)
    this.#write({ cmd: 'suback', messageId, granted })
    session.deliver()
  }

  #unsubscribe({ messageId, unsubscriptions }: IUnsubscribePacket, { identity, isPersistent, session }: Live): void {
    for (const filter of unsubscriptions) session.unsubscribe(filter)
    if (isPersistent) this.#options.state.subscriptions.keep(identity, session.grants)
    this.#write({ cmd: 'unsuback', messageId, granted: [] })
  }

  #heard({ longestSilence }: Live): void {
    this.#silence.cancel()
    this.#silence = this.#options.clock.after(longestSilence, () => this.#fail('it was silent for too long'))
  }

  #write(packet: Packet): void {
    if (this.line.isOver) return
    this.line.write(mqttPacket.generate(packet))
    if (this.line.backlog > MAX_BACKLOG) this.#fail('it does not read')
  }

  #fail(reason: string): void {
    if (this.line.isOver) return
    const identity = this.#live === undefined ? undefined : identityKey(this.#live.identity)
    this.#options.logger.log('info', 'MQTT connection closed', { connection: this.line.info.id, identity, reason })
    this.line.destroy()
  }

  #over(): void {
    this.#silence.cancel()
    this.#expiry?.cancel()
    const live = this.#live
    if (live === undefined) return
    this.#live = undefined
    live.session.end()
    this.#options.state.clients.release(live.identity, this)
    if (live.will !== undefined) live.session.will(publicationOf({ ...live.will, retain: false }))
  }
}

function publicationOf({ topic, payload, retain }: Pick<IPublishPacket, 'topic' | 'payload' | 'retain'>): Publication {
  return { topic, payload: typeof payload === 'string' ? Buffer.from(payload, 'utf8') : payload, retain }
}
