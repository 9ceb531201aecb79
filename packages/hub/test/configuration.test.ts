import { createMessage, type JsonObject, type JsonValue } from '@edgewright/core'
import { MemoryStore } from '@edgewright/store-memory'
import { describe, expect, it } from 'vitest'
import { parseConfiguration } from '../src/index.js'
import { Client, type HubFixture, startHub } from './hub-fixture.js'

const HUB = 'edge/$edgeHub'
const LIMITS = 'storeAndForwardConfiguration.storeLimits'
const BRIDGE = 'mqttBroker.bridges[0].settings[0]'
const RULES = 'mqttBroker.authorizations[0]'
const deployment = (routes: JsonObject, more: JsonObject = {}): JsonObject => ({
  schemaVersion: '1.1',
  routes,
  storeAndForwardConfiguration: { timeToLiveSecs: 60 },
  ...more,
})

describe('a hub that is configured by the cloud', () => {
  it('applies what its twin desires and says so', async () => {
    await using fixture = await startHub({ configuredByCloud: true })
    desire(
      fixture,
      2,
      deployment({ all: 'FROM /messages/* INTO $upstream', none: { route: 'FROM /nothing INTO $upstream' } }),
    )
    await expect.poll(() => lastStatus(fixture)).toEqual({ code: 200, description: '' })
    expect(reported(fixture)).toMatchObject({ schemaVersion: '1.0', lastDesiredVersion: 2 })
    expect(fixture.hub.endpoints()).toMatchObject([{ endpoint: 'upstream', routed: true }])
  })

  it('applies a change at once, and one that was missed while it was cut off', async () => {
    await using fixture = await startHub({ configuredByCloud: true })
    desire(fixture, 2, deployment({}))
    await expect.poll(() => reported(fixture).lastDesiredVersion).toBe(2)
    fixture.cloud.twin = twinOf(3, deployment({ a: 'FROM /messages/* INTO BrokeredEndpoint("/modules/m/inputs/i")' }))
    fixture.cloud.handlers.get(HUB)!.desired!({ patch: {}, version: 3 })
    await expect.poll(() => fixture.hub.endpoints().map(({ endpoint }) => endpoint)).toEqual(['input/m/i'])
    fixture.cloud.goOffline()
    desire(fixture, 9, deployment({ b: 'FROM /messages/* INTO $upstream' }))
    await expect.poll(() => fixture.hub.endpoints().map(({ endpoint }) => endpoint)).toEqual(['upstream'])
  })

  it('keeps a route as it was when its new text cannot be used, and names the place', async () => {
    await using fixture = await startHub({ configuredByCloud: true })
    desire(fixture, 2, deployment({ kept: 'FROM /messages/* INTO $upstream' }))
    await expect.poll(() => reported(fixture).lastDesiredVersion).toBe(2)
    fixture.cloud.goOffline()
    const routes = { kept: 'FROM /messages/* INTO nowhere', fresh: 'FROM /messages/* INTO $upstream' }
    desire(fixture, 3, deployment(routes, { storeAndForwardConfiguration: { timeToLiveSecs: 'long' } }))
    await expect.poll(() => reported(fixture).lastDesiredVersion).toBe(3)
    const { code, description } = lastStatus(fixture) as { code: number; description: string }
    expect(code).toBe(400)
    expect(description).toContain('routes.kept')
    expect(description).toContain('storeAndForwardConfiguration.timeToLiveSecs')
    const client = await Client.connect(fixture.hub, { deviceId: 'leaf' })
    fixture.cloud.goOnline()
    await client.session.send([createMessage({ body: 'x' })])
    await fixture.cloud.arrived(1)
  })

  it('keeps everything when the document as a whole cannot be used', async () => {
    await using fixture = await startHub({
      configuredByCloud: true,
      routes: { mine: 'FROM /messages/* INTO $upstream' },
    })
    desire(fixture, 2, { schemaVersion: '2.0', routes: {} })
    await expect.poll(() => lastStatus(fixture)).toMatchObject({ code: 400 })
    expect(fixture.hub.endpoints()).toMatchObject([{ endpoint: 'upstream', routed: true }])
  })

  it('starts with the last good configuration when there is no link', async () => {
    const store = new MemoryStore()
    const stop = store.stop.bind(store)
    store.stop = async () => undefined
    {
      await using fixture = await startHub({ configuredByCloud: true }, store)
      desire(fixture, 2, deployment({ a: 'FROM /messages/* INTO BrokeredEndpoint("/modules/m/inputs/i")' }))
      await expect.poll(() => reported(fixture).lastDesiredVersion).toBe(2)
    }
    {
      await using again = await startHub({ configuredByCloud: true }, store)
      expect(again.hub.endpoints().map(({ endpoint }) => endpoint)).toEqual(['input/m/i'])
    }
    await stop()
  })

  it('reports who is connected, with names that a twin can hold', async () => {
    await using fixture = await startHub({ configuredByCloud: true })
    fixture.cloud.goOnline()
    const device = await Client.connect(fixture.hub, { deviceId: 'leaf.1' })
    await Client.connect(fixture.hub, { deviceId: 'edge', moduleId: 'm' })
    await fixture.clock.advance(5_000)
    await expect
      .poll(() => reported(fixture).clients)
      .toMatchObject({ 'leaf%2E1': { status: 'Connected' }, 'edge/m': { status: 'Connected' } })
    device.session.close({ kind: 'client-left' })
    await fixture.clock.advance(5_000)
    await expect.poll(() => fixture.cloud.reports.at(-1)?.patch.clients).toEqual({ 'leaf%2E1': null })
  })

  it('keeps what was good of a section that cannot be used, also over a restart', async () => {
    const store = new MemoryStore()
    const stop = store.stop.bind(store)
    store.stop = async () => undefined
    {
      await using fixture = await startHub({ configuredByCloud: true, timeToLiveSecs: 3_600 }, store)
      desire(fixture, 2, deployment({ a: 'FROM /messages/* INTO BrokeredEndpoint("/modules/m/inputs/i")' }))
      await expect.poll(() => reported(fixture).lastDesiredVersion).toBe(2)
      fixture.cloud.goOffline()
      desire(fixture, 3, {
        schemaVersion: '1.1',
        routes: 'none',
        storeAndForwardConfiguration: { timeToLiveSecs: 0.5 },
      })
      await expect.poll(() => reported(fixture).lastDesiredVersion).toBe(3)
      const { code, description } = lastStatus(fixture) as { code: number; description: string }
      expect([code, description.split('\n')]).toEqual([
        400,
        [
          'Error while parsing desired properties',
          'routes: is not an object',
          'storeAndForwardConfiguration.timeToLiveSecs: is not a whole number of seconds',
        ],
      ])
      expect(fixture.hub.endpoints().map(({ endpoint }) => endpoint)).toEqual(['input/m/i'])
    }
    {
      await using again = await startHub({ configuredByCloud: true, timeToLiveSecs: 3_600 }, store)
      expect(again.hub.endpoints().map(({ endpoint }) => endpoint)).toEqual(['input/m/i'])
      const client = await Client.connect(again.hub, { deviceId: 'leaf' })
      await client.session.send([createMessage({ body: 'x' })])
      await again.clock.advance(70_000)
      await expect.poll(() => waiting(again)).toBe(0)
    }
    await stop()
  })

  it('reads its twin later when the cloud does not let it at once', async () => {
    await using fixture = await startHub({ configuredByCloud: true })
    fixture.cloud.twinFailure = operation => (operation === 'get' ? new Error('busy') : undefined)
    desire(fixture, 2, deployment({ a: 'FROM /messages/* INTO BrokeredEndpoint("/modules/m/inputs/i")' }))
    fixture.cloud.twinFailure = undefined
    await fixture.clock.advance(1_000)
    await expect.poll(() => fixture.hub.endpoints().map(({ endpoint }) => endpoint)).toEqual(['input/m/i'])
  })

  it('reports no more clients than a twin holds, and the rest of it all the same', async () => {
    await using fixture = await startHub({ configuredByCloud: true })
    fixture.cloud.goOnline()
    for (let index = 0; index < 400; index++) await Client.connect(fixture.hub, { deviceId: `leaf-${index}` })
    await fixture.clock.advance(5_000)
    await expect.poll(() => reported(fixture).clients).toBeTruthy()
    const size = JSON.stringify(reported(fixture)).length
    expect(size).toBeGreaterThan(10_000)
    expect(size).toBeLessThan(32_768)
    fixture.cloud.goOffline()
    desire(fixture, 2, deployment({}))
    await expect.poll(() => reported(fixture).lastDesiredVersion).toBe(2)
  })

  it('takes clients of an earlier run out of its report', async () => {
    const store = new MemoryStore()
    const stop = store.stop.bind(store)
    store.stop = async () => undefined
    {
      await using fixture = await startHub({ configuredByCloud: true }, store)
      fixture.cloud.goOnline()
      await Client.connect(fixture.hub, { deviceId: 'edge', moduleId: 'old' })
      await fixture.clock.advance(5_000)
      await expect.poll(() => reported(fixture).clients).toMatchObject({ 'edge/old': {} })
    }
    {
      await using again = await startHub({ configuredByCloud: true }, store)
      await Client.connect(again.hub, { deviceId: 'edge', moduleId: 'new' })
      await again.clock.advance(5_000)
      again.cloud.goOnline()
      await expect.poll(() => reported(again).clients).toMatchObject({ 'edge/old': null, 'edge/new': {} })
    }
    await stop()
  })

  it('answers its own direct method', async () => {
    await using fixture = await startHub({ configuredByCloud: true })
    fixture.cloud.goOnline()
    const { method } = fixture.cloud.handlers.get(HUB)!
    const call = (name: string, payload: JsonObject) =>
      method!({ name, payload, responseTimeout: 1_000, connectTimeout: 0 }, new AbortController().signal)
    const identity = { deviceId: 'a' }
    const authentication = { type: 'none' as const }
    const record = { identity, generationId: '1', status: 'enabled' as const, authentication, isEdgeDevice: false }
    expect(await fixture.directory.refresh(identity)).toBeUndefined()
    fixture.registry.set('a', record)
    const refresh = () => call('RefreshDeviceScopeIdentityCache', { deviceIds: ['a'] })
    await expect(refresh()).resolves.toEqual({ status: 200 })
    expect(fixture.directory.find(identity)).toEqual(record)
    const module = { ...identity, moduleId: 'm' }
    fixture.registry.set('a/m', { ...record, identity: module })
    await fixture.directory.refresh(module)
    fixture.registry.delete('a/m')
    await expect(refresh()).resolves.toEqual({ status: 200 })
    expect(fixture.directory.find(module)).toBeUndefined()
    await expect(call('RefreshDeviceScopeIdentityCache', {})).resolves.toMatchObject({ status: 400 })
    await expect(call('other', {})).resolves.toMatchObject({ status: 404 })
    fixture.registry.get = () => {
      throw new Error('no link')
    }
    await expect(refresh()).resolves.toEqual({ status: 500, payload: { message: 'no link' } })
  })
})

describe('a configuration', () => {
  it.each(['1.0', '1.1', '1.2', '1.3', '1.1.7'])('of schema %s is understood', schemaVersion => {
    expect(parseConfiguration(deployment({ a: 'FROM /* INTO $upstream' }, { schemaVersion })).problems).toEqual([])
  })

  it.each([
    ['of an unknown schema', { schemaVersion: '1.4' }, 'schemaVersion'],
    ['of no schema', {}, 'schemaVersion'],
    ['without routes', { schemaVersion: '1.1', storeAndForwardConfiguration: { timeToLiveSecs: 1 } }, 'routes'],
    ['without settings', { schemaVersion: '1.1', routes: {} }, 'storeAndForwardConfiguration'],
    [
      'with a rule that its schema has not',
      deployment({ a: { route: 'FROM /* INTO $upstream' } }, oldest()),
      'routes.a',
    ],
    ['with a priority out of range', deployment({ a: { route: 'FROM /* INTO $upstream', priority: 10 } }), 'routes.a'],
    ['with a negative life', deployment({ a: { route: 'FROM /* INTO $upstream', timeToLiveSecs: -1 } }), 'routes.a'],
    ['with a limit that is none', deployment({}, limited('a lot')), `${LIMITS}.maxSizeBytes`],
    ['with a broker that is none', broker([]), 'mqttBroker'],
    ['with a bridge to nowhere', broker({ bridges: [{ settings: [bridged()] }] }), 'mqttBroker.bridges[0].endpoint'],
    ['with an empty bridge', broker({ bridges: [{ endpoint: 'b' }] }), 'mqttBroker.bridges[0].settings'],
    ['with a bridge of one way', bridge({ direction: 'up' }), `${BRIDGE}.direction`],
    ['with a bridge of no topic', bridge({ topic: 'a/#/b' }), `${BRIDGE}.topic`],
    ['with a prefix that is a pattern', bridge({ inPrefix: 'a/+' }), `${BRIDGE}.inPrefix`],
    ['that allows nobody', broker({ authorizations: [{ identities: [], allow: [allowed()] }] }), `${RULES}.identities`],
    ['that allows a stranger', authorized({}, '{{iot:who}}'), `${RULES}.identities[0]`],
    ['that allows what there is not', authorized({ operations: ['mqtt:eat'] }), `${RULES}.allow[0].operations[0]`],
    ['that allows it nowhere', authorized({ resources: [] }), `${RULES}.allow[0].resources`],
    ['that allows it on no topic', authorized({ resources: ['a#'] }), `${RULES}.allow[0].resources[0]`],
  ] satisfies [string, JsonObject, string][])('%s is complained about', (_, desired, place) => {
    expect(parseConfiguration(desired).problems.map(problem => problem.place)).toEqual([place])
  })

  it('of an older schema is not judged by what came later', () => {
    expect(parseConfiguration({ ...broker([]), schemaVersion: '1.1' }).problems).toEqual([])
    expect(parseConfiguration({ schemaVersion: '1.0' })).toMatchObject({ routes: {}, problems: [] })
  })

  it('with everything that the broker took is understood', () => {
    const bridges: JsonValue = [{ endpoint: '$upstream' }, { endpoint: 'b', settings: [bridged()] }]
    const authorizations: JsonValue = [
      { identities: ['{{iot:identity}}'], deny: [{ operations: ['mqtt:connect'] }], allow: [allowed()] },
    ]
    expect(parseConfiguration(broker({ bridges, authorizations })).problems).toEqual([])
  })
})

function desire(fixture: HubFixture, version: number, properties: JsonObject): void {
  fixture.cloud.twin = twinOf(version, properties)
  fixture.cloud.goOnline()
}

function twinOf(version: number, properties: JsonObject) {
  return { desired: { properties, version }, reported: { properties: {}, version: 1 } }
}

function oldest(): JsonObject {
  return { schemaVersion: '1.0' }
}

function limited(maxSizeBytes: JsonValue): JsonObject {
  return { storeAndForwardConfiguration: { timeToLiveSecs: 60, storeLimits: { maxSizeBytes } } }
}

function broker(mqttBroker: JsonValue): JsonObject {
  return deployment({}, { schemaVersion: '1.2', mqttBroker })
}

function bridge(setting: JsonObject): JsonObject {
  return broker({ bridges: [{ endpoint: 'b', settings: [{ ...bridged(), ...setting }] }] })
}

function bridged() {
  return { direction: 'both', topic: 'a/+/#', inPrefix: 'in/', outPrefix: '' }
}

function authorized(rule: JsonObject, identity = 'edge/m'): JsonObject {
  return broker({ authorizations: [{ identities: [identity], allow: [{ ...allowed(), ...rule }] }] })
}

function allowed(): JsonObject {
  return { operations: ['mqtt:publish', 'mqtt:subscribe'], resources: ['devices/{{iot:device_id}}/#'] }
}

function reported(fixture: HubFixture): JsonObject {
  const own = fixture.cloud.reports.filter(({ identity }) => identity === HUB)
  return Object.assign({}, ...own.map(({ patch }) => patch))
}

/** Messages that wait for anything. */
function waiting(fixture: HubFixture): number {
  return fixture.hub.endpoints().reduce((sum, { waiting }) => sum + waiting, 0)
}

function lastStatus(fixture: HubFixture) {
  return reported(fixture).lastDesiredStatus
}
