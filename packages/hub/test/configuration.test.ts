import type { JsonObject } from '@edgewright/core'
import { MemoryStore } from '@edgewright/store-memory'
import { describe, expect, it } from 'vitest'
import { Client, type HubFixture, startHub } from './hub-fixture.js'

const HUB = 'edge/$edgeHub'
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
    const { createMessage } = await import('@edgewright/core')
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

  it('answers its own direct method', async () => {
    await using fixture = await startHub({ configuredByCloud: true })
    fixture.cloud.goOnline()
    const { method } = fixture.cloud.handlers.get(HUB)!
    const call = (name: string, payload: JsonObject) =>
      method!({ name, payload, responseTimeout: 1_000, connectTimeout: 0 }, new AbortController().signal)
    await expect(call('RefreshDeviceScopeIdentityCache', { deviceIds: ['a'] })).resolves.toEqual({ status: 200 })
    await expect(call('RefreshDeviceScopeIdentityCache', {})).resolves.toMatchObject({ status: 400 })
    await expect(call('other', {})).resolves.toEqual({ status: 404 })
  })
})

function desire(fixture: HubFixture, version: number, properties: JsonObject): void {
  fixture.cloud.twin = twinOf(version, properties)
  fixture.cloud.goOnline()
}

function twinOf(version: number, properties: JsonObject) {
  return { desired: { properties, version }, reported: { properties: {}, version: 1 } }
}

function reported(fixture: HubFixture): JsonObject {
  const own = fixture.cloud.reports.filter(({ identity }) => identity === HUB)
  return Object.assign({}, ...own.map(({ patch }) => patch))
}

function lastStatus(fixture: HubFixture) {
  return reported(fixture).lastDesiredStatus
}
