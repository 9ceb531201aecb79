import type { JsonObject, TwinPatch } from '@edgewright/core'
import { beforeEach, describe, expect, test } from 'vitest'
import { Registry } from './registry.js'
import { Twins } from './twins.js'

const PRESS = { deviceId: 'press' }

let registry: Registry
let twins: Twins
let told: TwinPatch[]
beforeEach(() => {
  registry = new Registry(new Map(), () => 0)
  registry.createDevice(PRESS)
  twins = new Twins({ records: new Map(), registry, now: () => 0 })
  told = []
  twins.watch(event => {
    if (event.kind === 'desired') told.push(event.patch)
  })
})

describe('reported properties', () => {
  test('are merged, null deletes, and each report is a version', () => {
    expect(twins.report(PRESS, { a: { b: 1, c: 2 }, d: 3 })).toBe(2)
    expect(twins.report(PRESS, { a: { b: null }, d: { e: 4 } })).toBe(3)
    expect(twins.get(PRESS).reported.properties).toEqual({ a: { c: 2 }, d: { e: 4 } })
    expect(Object.keys(twins.get(PRESS).reported.metadata)).toEqual(['$lastUpdated', 'a', 'd'])
  })

  const deep = (levels: number): JsonObject => (levels === 0 ? {} : { a: deep(levels - 1) })
  test.each<[string, JsonObject]>([
    ['a name with a dot', { 'a.b': 1 }],
    ['a name with a space', { 'a b': 1 }],
    ['a name that begins with a dollar', { a: { $b: 1 } }],
    ['an empty name', { '': 1 }],
    ['a name that is too long', { ['x'.repeat(1_025)]: 1 }],
    ['a text that is too long', { a: 'x'.repeat(4_097) }],
    ['a whole number beyond 52 bits', { a: 2 ** 52 }],
    ['too deep a nest', deep(11)],
    ['more than 32 KiB', Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`a${n}`, 'x'.repeat(4_000)]))],
  ])('are refused with %s, and nothing is changed', (_, patch) => {
    expect(() => twins.report(PRESS, patch)).toThrow(expect.objectContaining({ code: 'HUB_ARGUMENT_INVALID' }))
    expect(twins.get(PRESS).reported).toMatchObject({ properties: {}, version: 1 })
  })

  test('may not pass 32 KiB together', () => {
    for (const name of ['a', 'b'])
      twins.report(PRESS, Object.fromEntries([1, 2, 3, 4].map(n => [`${name}${n}`, 'x'.repeat(4_000)])))
    expect(() => twins.report(PRESS, { c: 'x'.repeat(4_000) })).toThrow(/32768/)
  })
})

describe('desired properties', () => {
  test('reach the client as the patch that was made, with its version', () => {
    twins.change(PRESS, { desired: { a: 1, b: 2 } }, 'merge')
    twins.change(PRESS, { desired: { b: null } }, 'merge')
    expect(told).toEqual([
      { patch: { a: 1, b: 2 }, version: 2 },
      { patch: { b: null }, version: 3 },
    ])
  })

  test('that are replaced reach the client as the difference', () => {
    twins.change(PRESS, { desired: { keep: 1, drop: 2, change: { x: 1, y: 2 } } }, 'merge')
    twins.change(PRESS, { desired: { keep: 1, change: { x: 1, y: 3 }, more: [1] } }, 'replace')
    expect(told[1]).toEqual({ patch: { drop: null, change: { y: 3 }, more: [1] }, version: 3 })
  })

  test('that stay the same tell nobody anything', () => {
    twins.change(PRESS, { desired: { a: 1 } }, 'replace')
    twins.change(PRESS, { desired: { a: 1, $version: 2, $metadata: {} }, tags: { site: 'north' } }, 'replace')
    expect(told).toHaveLength(1)
    expect(twins.get(PRESS)).toMatchObject({ tags: { site: 'north' }, desired: { version: 2 } })
  })

  test('are not changed under another entity tag', () => {
    const { etag } = twins.get(PRESS)
    twins.change(PRESS, { tags: { a: 1 } }, 'merge', etag)
    expect(() => twins.change(PRESS, { tags: { a: 2 } }, 'merge', etag)).toThrow(
      expect.objectContaining({ code: 'HUB_PRECONDITION_FAILED' }),
    )
  })
})

test('a twin is waited for until it is as wanted, or until one gives up', async () => {
  const ready = twins.until(PRESS, ({ reported }) => reported.properties.ready === true)
  const givenUp = twins.until(PRESS, () => false, AbortSignal.abort(new Error('enough')))
  twins.report(PRESS, { ready: true })
  expect((await ready).reported.version).toBe(2)
  await expect(givenUp).rejects.toThrow('enough')
})

test('a twin goes with its device', () => {
  twins.report(PRESS, { a: 1 })
  registry.remove(PRESS)
  registry.createDevice(PRESS)
  expect(twins.get(PRESS).reported.properties).toEqual({})
})
