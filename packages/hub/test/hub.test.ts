import { createMessage, EdgewrightError, reject, retry } from '@edgewright/core'
import { MemoryStore } from '@edgewright/store-memory'
import { describe, expect, it } from 'vitest'
import { Client, startHub } from './hub-fixture.js'

const device = { deviceId: 'leaf' }
const sensor = { deviceId: 'edge', moduleId: 'sensor' }
const filter = { deviceId: 'edge', moduleId: 'filter' }
const sensorToFilter = {
  hot: 'FROM /messages/modules/sensor/outputs/out INTO BrokeredEndpoint("/modules/filter/inputs/in")',
}
const texts = (...bodies: string[]) => bodies.map(body => createMessage({ body }))
const outputs = (...bodies: string[]) => bodies.map(body => createMessage({ body, system: { outputName: 'out' } }))

describe('a hub', () => {
  it('brings telemetry to the cloud in order, with the sender of the session and not of the message', async () => {
    await using fixture = await startHub()
    fixture.cloud.goOnline()
    const client = await Client.connect(fixture.hub, device)
    const forged = createMessage({ body: 'a', properties: { p: '1' }, system: { connectionDeviceId: 'someone' } })
    await expect(client.session.send([forged, ...texts('b', 'c')])).resolves.toEqual([])
    await fixture.cloud.arrived(3)
    expect(fixture.cloud.arrivals.map(({ sender, text }) => [sender, text])).toEqual([
      ['leaf', 'a'],
      ['leaf', 'b'],
      ['leaf', 'c'],
    ])
    const { message } = fixture.cloud.arrivals[0]!
    expect(message.properties.get('p')).toBe('1')
    expect(message.system).toMatchObject({ connectionDeviceId: 'leaf', edgeHubOriginInterface: 'downstream' })
    expect(message.system.edgeMessageId).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
  })

  it('routes by who sent a message, whatever it says, also when it is one that was received and passed on', async () => {
    const routes = { ...sensorToFilter, forged: 'FROM /messages/* WHERE $connectionModuleId = "sensor" INTO $upstream' }
    await using fixture = await startHub({ routes })
    fixture.cloud.goOnline()
    const forger = await Client.connect(fixture.hub, device)
    const system = { connectionModuleId: 'sensor', edgeMessageId: 'mine' }
    await expect(forger.session.send([createMessage({ body: 'forged', system })])).resolves.toEqual([])
    const [source, sink] = [await Client.connect(fixture.hub, sensor), await Client.connect(fixture.hub, filter)]
    await sink.session.subscribe('inputs')
    await source.session.send(outputs('true'))
    await sink.delivered(1)
    await expect(sink.session.send([sink.deliveries[0]!.message])).resolves.toEqual([])
    await fixture.cloud.arrived(1)
    expect(fixture.cloud.arrivals.map(({ text, sender }) => [text, sender])).toEqual([['true', 'edge/sensor']])
  })

  it('keeps messages while the cloud is away, also over a restart', async () => {
    const kept = keepContent(new MemoryStore())
    {
      await using fixture = await startHub({}, kept)
      const client = await Client.connect(fixture.hub, device)
      await client.session.send(texts('1', '2', '3'))
      expect(fixture.cloud.arrivals).toEqual([])
    }
    await using again = await startHub({}, kept)
    again.cloud.goOnline()
    await again.cloud.arrived(3)
    expect(again.cloud.arrivals.map(({ text }) => text)).toEqual(['1', '2', '3'])
  })

  it('lets one refused sender hold nobody else back', async () => {
    await using fixture = await startHub()
    let refused = true
    fixture.cloud.answer = ({ sender }) => (sender === 'bad' && refused ? retry('unauthorized') : { kind: 'accepted' })
    fixture.cloud.goOnline()
    const bad = await Client.connect(fixture.hub, { deviceId: 'bad' })
    const good = await Client.connect(fixture.hub, { deviceId: 'good' })
    await bad.session.send(texts('b1', 'b2'))
    await good.session.send(texts('g1', 'g2'))
    await fixture.cloud.arrived(2)
    expect(fixture.cloud.arrivals.map(({ text }) => text)).toEqual(['g1', 'g2'])
    refused = false
    await fixture.clock.advance(1_000)
    await fixture.cloud.arrived(4)
    expect(fixture.cloud.arrivals.slice(2).map(({ text }) => text)).toEqual(['b1', 'b2'])
  })

  it('parks what the cloud rejects, with the reason, and gives it again when asked to', async () => {
    await using fixture = await startHub()
    let poisonous = true
    fixture.cloud.answer = ({ text }) => (text === 'poison' && poisonous ? reject('too odd') : { kind: 'accepted' })
    fixture.cloud.goOnline()
    const client = await Client.connect(fixture.hub, device)
    await client.session.send(texts('before', 'poison', 'after'))
    await fixture.cloud.arrived(2)
    expect(fixture.cloud.arrivals.map(({ text }) => text)).toEqual(['before', 'after'])
    await expect.poll(async () => (await all(fixture.hub.deadLetters.list())).length).toBe(1)
    const [letter] = await all(fixture.hub.deadLetters.list())
    expect(letter).toMatchObject({ endpoint: 'upstream', reason: 'too odd' })
    poisonous = false
    await fixture.hub.retryDeadLetter(letter!.key)
    await fixture.cloud.arrived(3)
    expect(fixture.cloud.arrivals[2]!.text).toBe('poison')
    await expect(fixture.hub.deadLetters.show(letter!.key)).rejects.toMatchObject({ code: 'DEAD_LETTER_NOT_FOUND' })
  })

  it('gives a module what is routed to its input once it asks, and again what it did not settle', async () => {
    await using fixture = await startHub({ routes: sensorToFilter })
    const source = await Client.connect(fixture.hub, sensor)
    await source.session.send(outputs('1', '2', '3'))
    const first = await Client.connect(fixture.hub, filter)
    first.onDelivery = delivery => {
      if (Buffer.from(delivery.message.body).toString() === '1') delivery.settle('completed')
    }
    await first.session.subscribe('inputs')
    await first.delivered(3)
    expect(first.deliveries[0]).toMatchObject({ input: 'in', redelivered: false })
    first.session.close({ kind: 'client-left' })
    const second = await Client.connect(fixture.hub, filter)
    await second.session.subscribe('inputs')
    await second.delivered(2)
    expect(second.texts()).toEqual(['2', '3'])
    expect(second.deliveries.every(({ redelivered }) => redelivered)).toBe(true)
  })

  it('forgets messages whose time is up', async () => {
    await using fixture = await startHub({ timeToLiveSecs: 10 })
    const client = await Client.connect(fixture.hub, device)
    await client.session.send(texts('old'))
    await fixture.clock.advance(8_000)
    await client.session.send(texts('new'))
    await fixture.clock.advance(4_000)
    await expect.poll(() => fixture.store.queues().reduce((sum, { length }) => sum + length, 0)).toBe(1)
    fixture.cloud.goOnline()
    await fixture.cloud.arrived(1)
    expect(fixture.cloud.arrivals.map(({ text }) => text)).toEqual(['new'])
  })

  it('serves the highest priority first', async () => {
    const routes = {
      low: { route: 'FROM /messages/* WHERE level = "low" INTO $upstream', priority: 9 },
      high: { route: 'FROM /messages/* WHERE level = "high" INTO $upstream', priority: 0 },
    }
    await using fixture = await startHub({ routes })
    const client = await Client.connect(fixture.hub, device)
    const at = (level: string) => createMessage({ body: level, properties: { level } })
    await client.session.send([at('low'), at('low'), at('high'), at('high')])
    fixture.cloud.goOnline()
    await fixture.cloud.arrived(4)
    expect(fixture.cloud.arrivals.map(({ text }) => text)).toEqual(['high', 'high', 'low', 'low'])
  })

  it('refuses a message over the limit and takes its neighbours', async () => {
    await using fixture = await startHub()
    const client = await Client.connect(fixture.hub, device)
    const largest = createMessage({ body: Buffer.alloc(262_144) })
    const tooLarge = createMessage({ body: Buffer.alloc(262_145) })
    const refusals = await client.session.send([largest, tooLarge, createMessage({ body: 'x' })])
    expect(refusals.map(({ index, error }) => [index, error.code])).toEqual([[1, 'MESSAGE_TOO_LARGE']])
    expect(fixture.store.queues()[0]).toMatchObject({ length: 2 })
  })

  it('refuses what the store cannot take', async () => {
    await using fixture = await startHub({}, new MemoryStore({ quota: 1_000 }))
    const client = await Client.connect(fixture.hub, device)
    const refusals = await client.session.send([createMessage({ body: Buffer.alloc(2_000) })])
    expect(refusals).toMatchObject([{ index: 0, error: { code: 'STORE_FULL' } }])
  })

  it('lets a newer session of an identity take over', async () => {
    await using fixture = await startHub()
    const older = await Client.connect(fixture.hub, device)
    await Client.connect(fixture.hub, device)
    expect(older.ended).toEqual({ kind: 'taken-over' })
    const refusals = await older.session.send(texts('late'))
    expect(refusals[0]!.error.code).toBe('SESSION_ENDED')
    expect(fixture.hub.clients).toHaveLength(1)
  })

  it('lets clients that fight for an identity wait longer each time, and tells', async () => {
    await using fixture = await startHub({ takeovers: { freeTakeovers: 1, firstDelay: 1_000, longestDelay: 3_000 } })
    const { hub, clock, meter } = fixture
    await Client.connect(hub, device)
    let holder = await Client.connect(hub, device)
    for (const delay of [1_000, 2_000, 3_000, 3_000]) {
      const newer = Client.connect(hub, device)
      await clock.advance(delay - 1)
      expect(holder.ended).toBeUndefined()
      await clock.advance(1)
      const next = await newer
      expect(holder.ended).toEqual({ kind: 'taken-over' })
      holder = next
    }
    const read = (name: string) => meter.read().find(reading => reading.name === name)?.value
    expect(read('edgewright_takeovers_total')).toBe(5)
    expect(read('edgewright_takeovers_delayed_total')).toBe(4)
    // Once there was peace for a while, all is forgotten.
    await clock.advance(300_000)
    await Client.connect(hub, device)
    expect(holder.ended).toEqual({ kind: 'taken-over' })
  })

  it('lets no client wait for a session that has ended, however often that was', async () => {
    await using fixture = await startHub({ takeovers: { freeTakeovers: 0 } })
    for (let times = 0; times < 10; times++) {
      const client = await Client.connect(fixture.hub, device)
      client.session.close({ kind: 'client-left' })
    }
    const holder = await Client.connect(fixture.hub, device)
    const newer = Client.connect(fixture.hub, device)
    holder.session.close({ kind: 'client-left' })
    await newer
  })

  it('sends away who waits for an identity when it is revoked, has left, or the hub stops', async () => {
    const fixture = await startHub({ takeovers: { freeTakeovers: 0 } })
    const { hub } = fixture
    const peer = await Client.connect(hub, device)
    const left = new AbortController()
    const options = { identity: device, peer, persistent: false }
    const leaving = hub.openSession({ ...options, signal: left.signal })
    left.abort(new Error('left'))
    await expect(leaving).rejects.toThrow('left')
    expect(peer.ended).toBeUndefined()
    const waiting = hub.openSession(options)
    const refused = expect(waiting).rejects.toMatchObject({ code: 'SESSION_ENDED' })
    await fixture[Symbol.asyncDispose]()
    await refused
  })

  it('restores the subscriptions of a persistent session', async () => {
    await using fixture = await startHub()
    const first = await Client.connect(fixture.hub, filter, true)
    await first.session.subscribe('inputs')
    first.session.close({ kind: 'client-left' })
    const second = await Client.connect(fixture.hub, filter, true)
    expect([...second.restored]).toEqual(['inputs'])
    second.session.close({ kind: 'client-left' })
    await Client.connect(fixture.hub, filter, false)
    const fourth = await Client.connect(fixture.hub, filter, true)
    expect([...fourth.restored]).toEqual([])
  })

  it('keeps to its limit of clients', async () => {
    await using fixture = await startHub({ maxClients: 1 })
    await Client.connect(fixture.hub, device)
    await expect(Client.connect(fixture.hub, sensor)).rejects.toMatchObject({ code: 'CLIENT_LIMIT' })
    await Client.connect(fixture.hub, device)
  })

  it('disconnects an identity that the cloud has disabled, with its modules', async () => {
    await using fixture = await startHub()
    const record = {
      identity: device,
      generationId: '1',
      status: 'enabled' as const,
      authentication: { type: 'none' as const },
      isEdgeDevice: false,
    }
    fixture.registry.set('leaf', record)
    await fixture.directory.refreshAll()
    const client = await Client.connect(fixture.hub, device)
    const module = await Client.connect(fixture.hub, { ...device, moduleId: 'm' })
    const other = await Client.connect(fixture.hub, sensor)
    fixture.registry.set('leaf', { ...record, status: 'disabled' })
    await fixture.directory.refreshAll()
    expect(client.ended).toEqual({ kind: 'identity-disabled' })
    expect(module.ended).toEqual({ kind: 'identity-disabled' })
    expect(other.ended).toBeUndefined()
  })

  it('lets the oldest go when the store is full and the policy says so', async () => {
    const retention = { whenFull: 'drop-oldest' as const }
    await using fixture = await startHub({ delivery: { retention } }, new MemoryStore({ quota: 200_000 }))
    const client = await Client.connect(fixture.hub, device)
    for (let number = 0; number < 20; number++) {
      await expect(client.session.send([createMessage({ body: Buffer.alloc(20_000, number) })])).resolves.toEqual([])
    }
    fixture.cloud.goOnline()
    await fixture.cloud.arrived(3)
    const numbers = fixture.cloud.arrivals.map(({ message }) => message.body[0]!)
    expect(numbers.at(-1)).toBe(19)
    expect(numbers[0]).toBeGreaterThan(5)
    const dropped = fixture.meter.read().find(({ labels }) => labels.reason === 'evicted')
    expect(dropped!.value).toBe(20 - numbers.length)
  })

  it('keeps an endpoint within its share, and others unharmed', async () => {
    const retention = { endpoints: { 'input/filter/in': { bytes: 50_000 } } }
    const routes = { ...sensorToFilter, rest: 'FROM /messages/* INTO $upstream' }
    await using fixture = await startHub({ routes, delivery: { retention } })
    const source = await Client.connect(fixture.hub, sensor)
    const big = createMessage({ body: Buffer.alloc(30_000), system: { outputName: 'out' } })
    await expect(source.session.send([big])).resolves.toEqual([])
    await expect(source.session.send([big])).resolves.toMatchObject([{ error: { code: 'STORE_FULL' } }])
    await expect(source.session.send(texts('without output'))).resolves.toEqual([])
  })

  it('keeps what waits for an endpoint that is no longer routed to, lists it and forgets it on request', async () => {
    await using fixture = await startHub({ routes: sensorToFilter })
    const source = await Client.connect(fixture.hub, sensor)
    await source.session.send(outputs('1', '2'))
    fixture.hub.configure({ routes: {} })
    expect(fixture.hub.endpoints()).toMatchObject([{ endpoint: 'input/filter/in', waiting: 2, routed: false }])
    await expect(fixture.hub.purge('input/filter/in')).resolves.toBe(2)
    expect(fixture.hub.endpoints()).toEqual([])
  })

  it('delivers the newest first where that is wanted', async () => {
    await using fixture = await startHub({ delivery: { freshFirst: true, batch: 2 } })
    const client = await Client.connect(fixture.hub, device)
    await client.session.send(texts('1', '2', '3', '4', '5'))
    fixture.cloud.goOnline()
    await fixture.cloud.arrived(5)
    expect(fixture.cloud.arrivals.map(({ text }) => text)).toEqual(['4', '5', '2', '3', '1'])
  })

  it('gives up on a cloud session that hangs, says so and tries again', async () => {
    await using fixture = await startHub()
    const stalled: unknown[] = []
    fixture.hub.on('stalled', event => stalled.push(event))
    fixture.cloud.hang = true
    fixture.cloud.goOnline()
    const client = await Client.connect(fixture.hub, device)
    await client.session.send(texts('x'))
    await fixture.clock.advance(60_000)
    expect(stalled).toEqual([{ endpoint: 'upstream', lane: 'leaf' }])
    fixture.cloud.hang = false
    await fixture.clock.advance(1_000)
    await fixture.cloud.arrived(1)
  })

  describe('asked to call a method', () => {
    const request = { name: 'beep', responseTimeout: 5_000, connectTimeout: 0 }

    it('passes it to the client and the answer back', async () => {
      await using fixture = await startHub()
      const client = await Client.connect(fixture.hub, device)
      await client.session.subscribe('methods')
      await expect(fixture.hub.invokeMethod(sensor, device, request)).resolves.toEqual({ status: 200 })
    })

    it('waits for the client as long as it is told to, and no longer', async () => {
      await using fixture = await startHub()
      const call = fixture.hub.invokeMethod(sensor, device, { ...request, connectTimeout: 3_000 })
      const client = await Client.connect(fixture.hub, device)
      await client.session.subscribe('methods')
      await expect(call).resolves.toEqual({ status: 200 })
      const late = fixture.hub.invokeMethod(sensor, filter, { ...request, connectTimeout: 3_000 })
      const refused = expect(late).rejects.toMatchObject({ code: 'METHOD_NO_CLIENT' })
      await fixture.clock.advance(3_000)
      await refused
    })

    it('gives up on an answer that does not come', async () => {
      await using fixture = await startHub()
      const client = await Client.connect(fixture.hub, device)
      client.method = () => new Promise(() => undefined)
      await client.session.subscribe('methods')
      const refused = expect(fixture.hub.invokeMethod(sensor, device, request)).rejects.toMatchObject({
        code: 'METHOD_TIMEOUT',
      })
      await fixture.clock.advance(5_000)
      await refused
    })

    it('does not do it for anybody but modules of this device', async () => {
      await using fixture = await startHub()
      const code = { code: 'METHOD_NOT_ALLOWED' }
      await expect(fixture.hub.invokeMethod(device, device, request)).rejects.toMatchObject(code)
      const foreign = { deviceId: 'leaf', moduleId: 'm' }
      await expect(fixture.hub.invokeMethod(foreign, device, request)).rejects.toMatchObject(code)
    })
  })

  it('leaves a bad route out and keeps the good ones', async () => {
    await using fixture = await startHub()
    const errors = fixture.hub.configure({
      routes: { bad: 'FROM nowhere INTO $upstream', good: 'FROM /messages/* INTO $upstream' },
    })
    expect(errors).toHaveLength(1)
    const client = await Client.connect(fixture.hub, device)
    await client.session.send(texts('x'))
    expect(fixture.store.queues()).toHaveLength(1)
  })

  it('says so when it is not running', async () => {
    const fixture = await startHub()
    await fixture[Symbol.asyncDispose]()
    await expect(Client.connect(fixture.hub, device)).rejects.toBeInstanceOf(EdgewrightError)
  })
})

/** The same content each time the store is started: what a durable store would have. */
function keepContent(store: MemoryStore): MemoryStore {
  store.stop = async () => undefined
  return store
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}
