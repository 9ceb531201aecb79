import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { virtualClock } from '@edgewright/testkit'
import { expect, it } from 'vitest'
import { amqp, createGateway, iotHub, memoryStore, mqtt } from '../src/index.js'
import { startCloud } from './cloud.js'
import { amqpModule, moduleLogin, mqttModule, type WireLogin } from './wire-clients.js'

/** A client that is let in, as each protocol has it. */
interface Contender {
  /** Resolves when it is let go. */
  readonly lost: Promise<unknown>
  /** Sends, and waits for the acknowledgement. */
  send(): Promise<unknown>
  leave(): void
}

const PROTOCOLS: Record<string, (login: WireLogin) => Promise<Contender>> = {
  async mqtt(login) {
    const client = await mqttModule(login)
    const { deviceId, moduleId } = login.identity
    return {
      lost: new Promise<void>(resolve => client.once('close', () => resolve())),
      send: () => client.publishAsync(`devices/${deviceId}/modules/${moduleId}/messages/events/`, 'x', { qos: 1 }),
      leave: () => void client.end(),
    }
  },
  async amqp(login) {
    const connection = await amqpModule(login)
    const { deviceId, moduleId } = login.identity
    // Whom a link was granted credit on, was let in.
    const sender = connection.open_sender(`/devices/${deviceId}/modules/${moduleId}/messages/events`)
    const lost = once(sender, 'sender_error')
    await once(sender, 'sendable')
    return {
      lost,
      send() {
        sender.send({ body: 'x' })
        return once(sender, 'accepted')
      },
      leave: () => connection.close(),
    }
  },
}

it.each(Object.keys(PROTOCOLS))(
  'two clients of one identity over %s take turns, more and more slowly',
  async protocol => {
    const clock = virtualClock({ start: Date.now() })
    const dataDir = await mkdtemp(join(tmpdir(), 'edgewright-takeover-'))
    await using cloud = await startCloud()
    const delays: unknown[] = []
    let onDelayed: () => void = () => undefined
    await using gateway = createGateway({
      dataDir,
      clock,
      store: memoryStore(),
      upstream: iotHub({ connectionString: cloud.connectionString, ca: cloud.ca, ports: cloud.ports }),
      listen: [mqtt({ address: '127.0.0.1', port: 0 }), amqp({ address: '127.0.0.1', port: 0 })],
      logger: {
        log(_level, message, fields) {
          if (!message.includes('again and again')) return
          delays.push(fields?.delay)
          onDelayed()
        },
      },
    })
    await gateway.start()
    const { port } = gateway.addresses.find(address => address.protocol === protocol)!
    const login = moduleLogin(cloud, 'contested', { port, ca: gateway.trustBundle })
    const open = () => PROTOCOLS[protocol]!(login)

    let holder = await open()
    for (let free = 0; free < 3; free++) {
      const newer = await open()
      await holder.lost
      holder = newer
    }
    for (const delay of [1_000, 2_000, 4_000]) {
      const delayed = new Promise<void>(resolve => (onDelayed = resolve))
      const newer = open()
      await delayed
      expect(delays.at(-1)).toBe(delay)
      await clock.advance(delay - 1)
      // Whoever has the identity is not disturbed.
      await holder.send()
      await clock.advance(1)
      const next = await newer
      await holder.lost
      holder = next
    }
    const delayed = new Promise<void>(resolve => (onDelayed = resolve))
    const heir = open()
    await delayed
    holder.leave()
    await (await heir).send()
    ;(await heir).leave()
    await rm(dataDir, { recursive: true })
  },
)
