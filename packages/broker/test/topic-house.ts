import type { LogFields, Logger, StoreChange } from '@edgewright/core'
import { MemoryStore } from '@edgewright/store-memory'
import { connect, type IClientOptions, type MqttClient } from 'mqtt'
import type { IConnectPacket } from 'mqtt-packet'
import { type Authorization, FreeTopics, type FreeTopicsOptions, hashSecret, MqttFrontEnd } from '../src/index.js'
import { MemoryHost } from './memory-host.js'
import { RawMqttClient } from './raw-mqtt-client.js'

export const SECRET = 'a secret'

const AUTHORIZATIONS: readonly Authorization[] = [
  {
    accounts: ['{{mqtt:username}}'],
    allow: [
      { operations: ['mqtt:connect'] },
      { operations: ['mqtt:publish', 'mqtt:subscribe'], resources: ['open/#', 'partly/#', 'own/{{mqtt:username}}/#'] },
    ],
    deny: [{ operations: ['mqtt:publish', 'mqtt:subscribe'], resources: ['partly/closed/#'] }],
  },
  { accounts: ['mallory'], deny: [{ operations: ['mqtt:connect'] }] },
  {
    identities: ['press-7', 'gateway/filter'],
    allow: [
      { operations: ['mqtt:connect'] },
      { operations: ['mqtt:publish', 'mqtt:subscribe'], resources: ['open/#', 'own/{{iot:identity}}/#'] },
    ],
  },
]

const hash = hashSecret(SECRET)

/** Free topics behind an MQTT front-end, on a store that outlives them. */
export class TopicHouse {
  readonly host = new MemoryHost([
    { deviceId: 'press-7' },
    { deviceId: 'elsewhere' },
    { deviceId: 'gateway', moduleId: 'filter' },
  ])
  readonly store = new HeldStore()
  readonly log: { message: string; fields: LogFields | undefined }[] = []
  topics!: FreeTopics
  frontEnd!: MqttFrontEnd
  readonly #clients: { destroy(): void }[] = []
  readonly #logger: Logger = { log: (_level, message, fields) => void this.log.push({ message, fields }) }

  get port(): number {
    return this.frontEnd.address().port
  }

  async start(options: Partial<FreeTopicsOptions> = {}): Promise<void> {
    await this.store.start()
    const logger = this.#logger
    const accounts = await Promise.all(['ann', 'bob', 'mallory'].map(async name => ({ name, secret: await hash })))
    const { store, host } = this
    this.topics = new FreeTopics({ store, authorizations: AUTHORIZATIONS, accounts, logger, ...options })
    await this.topics.start()
    const listen = { address: '127.0.0.1', port: 0 }
    this.frontEnd = new MqttFrontEnd({ host, topics: this.topics, listen, tls: 'none', logger })
    await this.frontEnd.start()
  }

  async stop(): Promise<void> {
    for (const client of this.#clients.splice(0)) client.destroy()
    await this.frontEnd.stop()
    await this.topics.stop()
    await this.store.stop()
  }

  /** Stops everything but the store, and begins again. */
  async restart(options: Partial<FreeTopicsOptions> = {}): Promise<void> {
    for (const client of this.#clients.splice(0)) client.destroy()
    await this.frontEnd.stop()
    await this.topics.stop()
    await this.start(options)
  }

  /** Begins again on what the store holds, as after a crash: what ran before is left to itself until the end. */
  async crash(options: Partial<FreeTopicsOptions> = {}): Promise<() => Promise<void>> {
    const { frontEnd, topics } = this
    this.store.cutOff()
    await this.start(options)
    return async () => {
      await frontEnd.stop()
      await topics.stop()
    }
  }

  async client(username: string, options: Partial<IClientOptions> = {}): Promise<TestClient> {
    const login = { username, password: SECRET, reconnectPeriod: 0, clientId: `${username}-1`, ...options }
    const connected = connect(`mqtt://127.0.0.1:${this.port}`, login)
    const received: Received[] = []
    connected.on('message', (topic, body, { qos, retain }) => received.push({ topic, body: String(body), qos, retain }))
    this.#clients.push({ destroy: () => connected.end(true) })
    await new Promise((resolve, reject) => connected.once('connect', resolve).once('error', reject))
    return Object.assign(connected, { received })
  }

  /** A client that says what it is told, packet by packet, logged in. */
  async raw(username: string, options: Partial<IConnectPacket> = {}): Promise<RawMqttClient> {
    const clientId = options.clientId ?? `${username}-raw`
    const login = { clientId, username, password: Buffer.from(SECRET), clean: true, ...options }
    const connected = await RawMqttClient.login(this.port, clientId, login)
    this.#clients.push(connected)
    return connected
  }

  /** A hub client, logged in. */
  async hub(clientId: string, options: Partial<IConnectPacket> = {}): Promise<RawMqttClient> {
    const connected = await RawMqttClient.login(this.port, clientId, options)
    this.#clients.push(connected)
    return connected
  }
}

/** A store whose writes can be held up. */
export class HeldStore extends MemoryStore {
  #held: { change: StoreChange; go(): void }[] | undefined
  #generation = 0

  override async write(change: StoreChange): Promise<void> {
    const generation = this.#generation
    if (this.#held !== undefined) await new Promise<void>(go => this.#held?.push({ change, go }))
    // What a crash cut off is never written.
    if (generation !== this.#generation) throw new Error('the gateway has crashed')
    return super.write(change)
  }

  hold(): void {
    this.#held ??= []
  }

  /** How many writes are held. */
  get held(): number {
    return this.#held?.length ?? 0
  }

  release(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const { go } of held) go()
  }

  /** What is held is lost. */
  cutOff(): void {
    this.#generation += 1
    this.release()
  }
}

export interface Received {
  readonly topic: string
  readonly body: string
  readonly qos: number
  readonly retain: boolean
}

export type TestClient = MqttClient & { readonly received: readonly Received[] }
