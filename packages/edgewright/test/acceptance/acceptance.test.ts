import { on, once } from 'node:events'
import { createMessage, type Identity } from '@edgewright/core'
import { AMQP_BATCH_FORMAT, encodeAmqpBatch, encodeAmqpMessage, parseConnectionString } from '@edgewright/protocol'
import type { Client, Message, ModuleClient, Twin } from 'azure-iot-device'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { amqpModule } from '../wire-clients.js'
import { CASES, KINDS, TRANSPORTS, WAYS } from './differences.js'
import { House, mayListen, type Resident } from './house.js'
import { numbered, onMethod, report, sdkClient, type SdkClient, type SdkClientOptions } from './sdk-client.js'

const mayUsePorts = await mayListen()

let house: House

beforeAll(async () => {
  if (!mayUsePorts) return
  const inputs = CASES.map(({ transport }) => [
    `from-${transport}`,
    `FROM /messages/modules/source-${transport}/outputs/out INTO BrokeredEndpoint("/modules/sink-${transport}/inputs/in")`,
  ])
  house = await House.open({ ...Object.fromEntries(inputs), cloud: 'FROM /messages/* INTO $upstream' })
})

afterAll(() => house?.[Symbol.asyncDispose]())

beforeEach(context => context.skip(!mayUsePorts, 'port 443 may not be bound by this user'))

// All of it runs in one process beside other tests: what takes a moment may take long.
vi.setConfig({ testTimeout: 90_000 })

// One set of expectations: what differs stands in `differences.ts`, with the reason.
describe.concurrent.each(CASES.map((one, index) => ({ ...one, index })))(
  'an unmodified Azure SDK $kind over $transport, connected to the $way,',
  ({ way, transport, kind, index }) => {
    const { settlings, renewsOnOpenConnection, unsent, expiry } = TRANSPORTS[transport]
    const { routesToInputs, modulesCallMethods } = WAYS[way]
    const { hasCommands, hasOutputs } = KINDS[kind]

    it('sends a thousand messages with all their properties, in order and once', async () => {
      const who = resident('telemetry')
      const client = await open(who)
      const sent = Array.from({ length: 1_000 }, (_, number) => Object.assign(numbered(number), systemOf(number)))
      await Promise.all(sent.map(message => client.sendEvent(message)))
      await client.close()
      const events = await eventsOf(who, 1_000)
      expect(events).toHaveLength(1_000)
      events.forEach(({ message }, number) => {
        expect(message.properties.get('number')).toBe(String(number))
        expect(Buffer.from(message.body).toString()).toBe(JSON.stringify({ number }))
        const { expiryTimeUtc, ...system } = systemOf(number)
        for (const name of unsent) delete (system as Record<string, unknown>)[name]
        expect(message.system).toMatchObject({ ...system, expiryTime: new Date(expiryTimeUtc).toISOString() })
      })
    })

    it('reads its twin, reports and is told what is desired', async () => {
      const who = resident('twin')
      house.cloud.emulator.twins.change(who.identity, { desired: { pace: 1 } }, 'merge')
      const client = await open(who)
      const twin: Twin = await client.getTwin()
      expect(twin.properties.desired).toMatchObject({ pace: 1 })
      const desired = new Promise(resolve => twin.on('properties.desired.pace', pace => pace === 5 && resolve(pace)))
      await report(twin, { seen: transport, gone: 1 })
      await report(twin, { gone: null })
      const isReported = ({ reported }: { reported: { properties: object } }) =>
        JSON.stringify(reported.properties) === JSON.stringify({ seen: transport })
      await house.cloud.emulator.twins.until(who.identity, isReported)
      house.cloud.emulator.twins.change(who.identity, { desired: { pace: 5 } }, 'merge')
      await expect(desired).resolves.toBe(5)
      await client.close()
    })

    it('answers methods that the cloud calls', async () => {
      const who = resident('methods')
      const client = await open(who)
      onMethod(client, 'add', ({ payload: { a, b } }, response) => response.send(200, { sum: a + b }, () => undefined))
      await expect(call(who, 'add', { a: 2, b: 3 })).resolves.toEqual({ status: 200, payload: { sum: 5 } })
      await client.close()
    })

    itIf(hasOutputs && modulesCallMethods)('calls methods of a neighbour', async () => {
      const neighbour = await open(resident('neighbour', 'device'))
      onMethod(neighbour, 'halve', ({ payload }, response) => response.send(207, payload / 2, () => undefined))
      const client = (await open(resident('methods'))) as ModuleClient
      const parameters = { methodName: 'halve', payload: 8, responseTimeoutInSeconds: 10, connectTimeoutInSeconds: 10 }
      const target = resident('neighbour', 'device').identity.deviceId
      await expect(client.invokeMethod(target, parameters)).resolves.toEqual({ status: 207, payload: 4 })
      await Promise.all([client.close(), neighbour.close()])
    })

    itIf(hasCommands)('settles what the cloud sends it', async () => {
      const who = resident('commands')
      const client = (await open(who)) as Client
      const messages = received(client, 'message')
      for (const settling of settlings) {
        house.cloud.emulator.commands.send(
          who.identity,
          createMessage({ body: 'turn', properties: { way: 'left' }, system: { messageId: settling } }),
        )
        const message = await messages.next()
        expect(message.data.toString()).toBe('turn')
        expect(message.properties.getValue('way')).toBe('left')
        expect(message.messageId).toBe(settling)
        await client[settling](message)
        if (settling === 'abandon') await client.complete(await messages.next())
        await until(() => house.cloud.emulator.commands.count(who.identity) === 0)
      }
      await client.close()
    })

    itIf(hasOutputs)('brings an output to an input, or to the cloud', async () => {
      const [source, sink] = [nameless(`source-${transport}`), nameless(`sink-${transport}`)]
      const [from, to] = (await Promise.all([open(source), open(sink)])) as [ModuleClient, ModuleClient]
      const messages = received(to, 'inputMessage')
      for (const settling of settlings) {
        await from.sendOutputEvent('out', numbered(7))
        if (!routesToInputs) continue
        const message = await messages.next()
        expect(message.properties.getValue('number')).toBe('7')
        await to[settling](message)
        if (settling === 'abandon') await to.complete(await messages.next())
      }
      if (routesToInputs) await until(() => waitingFor(`input/sink-${transport}/in`) === 0)
      const events = await eventsOf(source, settlings.length)
      expect(events.map(({ message }) => message.system.outputName)).toEqual(settlings.map(() => 'out'))
      await Promise.all([from.close(), to.close()])
    })

    it('renews its token under traffic, and stays subscribed', async () => {
      await using relay = await house.relay(way, 2 * index)
      const who = resident('renewal')
      const client = await open(who, { via: relay.address, renewal: 3 })
      onMethod(client, 'ping', (_request, response) => response.send(200, null, () => undefined))
      await answers(who, 'ping')
      let sent = 0
      const isRenewed = renewsOnOpenConnection ? after(4_000) : () => relay.accepted > 1
      while (!isRenewed()) await client.sendEvent(numbered(sent++))
      await answers(who, 'ping')
      if (renewsOnOpenConnection) expect(relay.accepted).toBe(1)
      await client.close()
      const events = await eventsOf(who, sent)
      expect(new Set(events.map(({ message }) => Number(message.properties.get('number'))))).toEqual(
        new Set(Array.from({ length: sent }, (_, number) => number)),
      )
    })

    it('comes back after its connection broke, with all it had asked for', async () => {
      await using relay = await house.relay(way, 2 * index + 1)
      const who = resident('cut')
      const client = await open(who, { via: relay.address, retries: true })
      onMethod(client, 'ping', (_request, response) => response.send(200, null, () => undefined))
      await call(who, 'ping', null)
      relay.cut()
      await answers(who, 'ping')
      expect(relay.accepted).toBeGreaterThan(1)
      await client.sendEvent(numbered(1))
      await client.close()
      await expect(eventsOf(who, 1)).resolves.toHaveLength(1)
    })

    it('gives way to a newer connection of the same identity', async () => {
      const who = resident('takeover')
      const older = await open(who)
      await older.sendEvent(numbered(1))
      const lost = new Promise(resolve => older.once('disconnect', resolve))
      const newer = await open(who)
      await newer.sendEvent(numbered(2))
      await lost
      await newer.sendEvent(numbered(3))
      await newer.close()
      await expect(eventsOf(who, 3)).resolves.toHaveLength(3)
    })

    it('is refused with a key that is not its own, and when nobody knows it', async () => {
      const { identity, connectionString } = resident('refused')
      const forged = connectionString.replace(/(?<=SharedAccessKey=)[^;]+/, 'c2VjcmV0')
      await expect(open({ identity, connectionString: forged })).rejects.toMatchObject({ name: 'UnauthorizedError' })
      const stranger = connectionString.replace(/(?<=(Device|Module)Id=)[^;]+(?=;SharedAccessKey)/, 'stranger')
      await expect(open({ identity, connectionString: stranger })).rejects.toMatchObject({ name: 'UnauthorizedError' })
    })

    it('is let go when its right is taken away, and not let in again', async () => {
      const who = resident('refused')
      const client = await open(who)
      await client.sendEvent(numbered(1))
      const lost = new Promise(resolve => client.once('disconnect', resolve))
      await house.revoke(who.identity)
      await lost
      await expect(open(who)).rejects.toMatchObject({ name: 'UnauthorizedError' })
    })

    function resident(name: string, as = kind): Resident {
      return house.resident(way, as, `${way}-${kind}-${transport}-${name}`)
    }

    function nameless(name: string): Resident {
      return house.resident(way, kind, name)
    }

    async function open(who: Resident, options: Partial<SdkClientOptions> = {}): Promise<SdkClient> {
      const client = await sdkClient(who, { transport, ca: house.trust(way), ...options })
      await client.open()
      return client
    }

    /** The system properties of a message, by the names that both the SDK and we have for them. */
    function systemOf(number: number) {
      return {
        messageId: `message ${number}`,
        correlationId: 'a/b',
        userId: 'someone',
        to: '/elsewhere',
        contentType: 'application/json',
        contentEncoding: 'utf-8',
        interfaceId: 'urn:some:interface:1',
        ack: 'full',
        expiryTimeUtc: expiry(EXPIRY),
      }
    }

    function call({ identity }: Resident, name: string, payload: unknown) {
      const timeouts = { responseTimeout: 30_000, connectTimeout: 30_000 }
      return house.cloud.emulator.methods.invoke(identity, { name, payload: payload as null, ...timeouts })
    }

    /** Resolves once a call is answered; one that comes while the client is between two connections fails. */
    function answers(who: Resident, name: string): Promise<void> {
      return vi.waitFor(async () => expect(await call(who, name, null)).toMatchObject({ status: 200 }), WAITING)
    }

    function eventsOf({ identity }: Resident, count: number) {
      const { deviceId, moduleId } = identity
      const where = ({ sender }: { sender: { deviceId: string; moduleId?: string | undefined } }) =>
        sender.deviceId === deviceId && sender.moduleId === moduleId
      return house.cloud.emulator.events.until(count, { where })
    }
  },
)

// The SDK has a call for batches, which no transport of it implements; other clients of IoT Hub send them over AMQP.
it.each(['gateway', 'cloud'] as const)('a batch in one transfer arrives at the %s as its messages', async way => {
  const { identity, connectionString } = house.resident(way, 'module', `${way}-batch`)
  const parsed = parseConnectionString(connectionString)
  if (parsed.kind !== 'identity' || parsed.credential.kind !== 'key') throw new Error('a key was expected')
  const connection = await amqpModule({
    identity: identity as Required<Identity>,
    host: parsed.hostName,
    key: parsed.credential.key,
    address: house.address(way),
    port: 5671,
    ca: house.trust(way),
  })
  const { deviceId, moduleId } = identity
  const sender = connection.open_sender(`/devices/${deviceId}/modules/${moduleId}/messages/events`)
  const bodies = ['1', '2', '3']
  const batch = encodeAmqpBatch(bodies.map(body => encodeAmqpMessage({ body: Buffer.from(body) })))
  const accepted = once(sender, 'accepted')
  sender.once('sendable', () => sender.send(batch as never, undefined as never, AMQP_BATCH_FORMAT))
  await accepted
  const events = await house.cloud.emulator.events.until(3, { where: event => event.sender.moduleId === moduleId })
  expect(events.map(({ message }) => Buffer.from(message.body).toString())).toEqual(bodies)
  connection.close()
})

const WAITING = { timeout: 30_000 }
const EXPIRY = new Date(Date.now() + 3_600_000)

/** Leaves no test behind where something is not there to be tried. */
function itIf(applies: boolean): (name: string, test: () => Promise<void>) => void {
  return applies ? it : () => undefined
}

function after(milliseconds: number): () => boolean {
  const end = Date.now() + milliseconds
  return () => Date.now() >= end
}

/** What a client is given, one after the other; it keeps listening, because the SDK detaches when nobody does. */
function received(client: SdkClient, event: 'message' | 'inputMessage'): { next(): Promise<Message> } {
  const events = on(client, event)
  return { next: async () => (await events.next()).value.at(-1) }
}

function until(condition: () => boolean): Promise<unknown> {
  return vi.waitUntil(condition, WAITING)
}

function waitingFor(endpoint: string): number {
  return house.gateway.hub.endpoints().find(state => state.endpoint === endpoint)?.waiting ?? 0
}
