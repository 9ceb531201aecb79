import { EdgewrightError, type JsonObject } from '@edgewright/core'
import { MemoryStore } from '@edgewright/store-memory'
import { describe, expect, it } from 'vitest'
import { Client, type HubFixture, startHub } from './hub-fixture.js'

const device = { deviceId: 'leaf' }
const refusal = () => new EdgewrightError('UPSTREAM_REFUSED', 'The cloud refused the request: too large')
const trouble = () => new EdgewrightError('UPSTREAM_THROTTLED', 'The cloud asks to slow down')

describe('reported properties', () => {
  it('that were changed offline are merged and sent as one patch', async () => {
    await using fixture = await startHub()
    const client = await Client.connect(fixture.hub, device)
    await expect(client.session.getTwin()).rejects.toMatchObject({ code: 'TWIN_UNAVAILABLE' })
    fixture.cloud.goOnline()
    await client.session.getTwin()
    fixture.cloud.goOffline()
    await expect(client.session.report({ a: { x: 1 }, b: 2 })).resolves.toBeUndefined()
    await client.session.report({ a: { y: 3 }, b: null })
    expect((await client.session.getTwin()).reported.properties).toEqual({ a: { x: 1, y: 3 } })
    fixture.cloud.goOnline()
    await expect
      .poll(() => fixture.cloud.reports)
      .toEqual([{ identity: 'leaf', patch: { a: { x: 1, y: 3 }, b: null } }])
  })

  it('that were deleted and set again offline lose what was in them before', async () => {
    await using fixture = await startHub()
    hold(fixture, { reported: { a: { x: 1 } } })
    const client = await Client.connect(fixture.hub, device)
    await client.session.getTwin()
    fixture.cloud.goOffline()
    await client.session.report({ a: null })
    await client.session.report({ a: { y: 2 } })
    fixture.cloud.goOnline()
    await expect.poll(() => fixture.cloud.reports).toEqual([{ identity: 'leaf', patch: { a: { x: null, y: 2 } } }])
  })

  it('go on without a new one when the cloud had no time for them', async () => {
    await using fixture = await startHub()
    fixture.cloud.goOnline()
    const client = await Client.connect(fixture.hub, device)
    fixture.cloud.twinFailure = trouble
    await expect(client.session.report({ a: 1 })).resolves.toBeUndefined()
    fixture.cloud.twinFailure = undefined
    await fixture.clock.advance(1_000)
    await expect.poll(() => fixture.cloud.reports).toEqual([{ identity: 'leaf', patch: { a: 1 } }])
  })

  it('outlive a restart while they wait', async () => {
    const store = new MemoryStore()
    const stop = store.stop.bind(store)
    store.stop = async () => undefined
    {
      await using fixture = await startHub({}, store)
      await (await Client.connect(fixture.hub, device)).session.report({ a: 1 })
    }
    {
      await using fixture = await startHub({}, store)
      fixture.cloud.goOnline()
      await expect.poll(() => fixture.cloud.reports).toEqual([{ identity: 'leaf', patch: { a: 1 } }])
    }
    await stop()
  })

  it('that the cloud refuses are refused, and spare what waited before', async () => {
    await using fixture = await startHub()
    fixture.cloud.goOnline()
    const client = await Client.connect(fixture.hub, device)
    fixture.cloud.twinFailure = operation => (operation === 'report' ? trouble() : undefined)
    await client.session.report({ good: 1 })
    fixture.cloud.twinFailure = (_, patch) => (patch && Object.hasOwn(patch, 'bad') ? refusal() : undefined)
    await expect(client.session.report({ bad: 1 })).rejects.toMatchObject({ code: 'UPSTREAM_REFUSED' })
    expect((await client.session.getTwin()).reported.properties).toEqual({ good: 1 })
    await fixture.clock.advance(2_000)
    await expect.poll(() => fixture.cloud.reports).toEqual([{ identity: 'leaf', patch: { good: 1 } }])
  })

  it('that the cloud refuses later are told to the next read, and until then through what is accepted', async () => {
    await using fixture = await startHub()
    hold(fixture, { reported: { a: 1 } })
    const client = await Client.connect(fixture.hub, device)
    await client.session.getTwin()
    fixture.cloud.goOffline()
    await client.session.report({ a: 2, b: 3 })
    fixture.cloud.twinFailure = operation => (operation === 'report' ? refusal() : undefined)
    fixture.cloud.goOnline()
    const refused = { properties: ['a', 'b'], reason: 'The cloud refused the request: too large' }
    await expect.poll(() => client.session.getTwin()).toMatchObject({ refused })
    const { reported } = await client.session.getTwin()
    expect(reported.properties).toEqual({ a: 1 })
    fixture.cloud.twinFailure = undefined
    await client.session.report({ c: 4 })
    expect(await client.session.getTwin()).not.toHaveProperty('refused')
  })

  it('that are refused later stay told when nobody has read of it yet', async () => {
    await using fixture = await startHub()
    hold(fixture, {})
    const client = await Client.connect(fixture.hub, device)
    await client.session.getTwin()
    fixture.cloud.goOffline()
    await client.session.report({ a: 1 })
    let refusals = 0
    fixture.cloud.twinFailure = operation => {
      if (operation === 'get') return undefined
      refusals++
      return refusal()
    }
    fixture.cloud.goOnline()
    await expect.poll(() => refusals).toBe(1)
    fixture.cloud.twinFailure = undefined
    await client.session.report({ b: 1 })
    expect(await client.session.getTwin()).toMatchObject({ refused: { properties: ['a'] } })
  })
})

describe('desired properties', () => {
  it('that changed while it was cut off are told to a subscribed client, once', async () => {
    await using fixture = await startHub()
    const client = await subscribed(fixture)
    fixture.cloud.goOffline()
    desire(fixture, 3, { pace: 5 })
    fixture.cloud.goOnline()
    await expect.poll(() => client.desiredPatches).toEqual([{ patch: { pace: 5 }, version: 3 }])
    fixture.cloud.handlers.get('leaf')!.desired!({ patch: { pace: 5 }, version: 3 })
    await client.session.getTwin()
    expect(client.desiredPatches).toHaveLength(1)
  })

  it('are told as the cloud told them when none was missed, deletions in them', async () => {
    await using fixture = await startHub()
    const client = await subscribed(fixture)
    fixture.cloud.handlers.get('leaf')!.desired!({ patch: { gone: null }, version: 2 })
    await expect.poll(() => client.desiredPatches).toEqual([{ patch: { gone: null }, version: 2 }])
  })

  it('are told as one change when some were missed', async () => {
    await using fixture = await startHub()
    const client = await subscribed(fixture)
    desire(fixture, 4, { a: 1, b: 2 })
    fixture.cloud.handlers.get('leaf')!.desired!({ patch: { b: 2 }, version: 4 })
    await expect.poll(() => client.desiredPatches).toEqual([{ patch: { a: 1, b: 2 }, version: 4 }])
  })

  it('are told later when the cloud does not let the twin be read at once', async () => {
    await using fixture = await startHub()
    const client = await subscribed(fixture)
    fixture.cloud.goOffline()
    desire(fixture, 3, { pace: 5 })
    let refusals = 0
    fixture.cloud.twinFailure = () => {
      refusals++
      return trouble()
    }
    fixture.cloud.goOnline()
    await expect.poll(() => refusals).toBeGreaterThan(0)
    fixture.cloud.twinFailure = undefined
    await fixture.clock.advance(4_000)
    await expect.poll(() => client.desiredPatches).toEqual([{ patch: { pace: 5 }, version: 3 }])
  })

  it('that came when the client was just leaving are told when it is back', async () => {
    await using fixture = await startHub()
    const client = await subscribed(fixture)
    const { desired } = fixture.cloud.handlers.get('leaf')!
    client.session.close({ kind: 'client-left' })
    desire(fixture, 2, { pace: 5 })
    desired!({ patch: { pace: 5 }, version: 2 })
    const again = await Client.connect(fixture.hub, device)
    await again.session.subscribe('desired')
    await expect.poll(() => again.desiredPatches).toEqual([{ patch: { pace: 5 }, version: 2 }])
  })
})

/** What the cloud has of the twin. */
function hold({ cloud }: HubFixture, { reported = {} }: { readonly reported?: JsonObject }): void {
  cloud.twin = { desired: { properties: {}, version: 1 }, reported: { properties: reported, version: 1 } }
  cloud.goOnline()
}

function desire({ cloud }: HubFixture, version: number, properties: JsonObject): void {
  cloud.twin = { ...cloud.twin, desired: { properties, version } }
}

/** A client that has read its twin and wants to know what changes. */
async function subscribed(fixture: HubFixture): Promise<Client> {
  fixture.cloud.goOnline()
  const client = await Client.connect(fixture.hub, device)
  await client.session.getTwin()
  await client.session.subscribe('desired')
  return client
}
