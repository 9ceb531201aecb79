import { describe, expect, test } from 'vitest'
import { Registry, type RegistryChange } from './registry.js'

const registry = () => new Registry(new Map(), () => 0)

describe('an edge device', () => {
  test('has a scope of its own and its system modules, and gives children its scope', () => {
    const all = registry()
    const gateway = all.createDevice({ deviceId: 'gateway', capabilities: { iotEdge: true } })
    const leaf = all.createDevice({ deviceId: 'leaf', parentId: 'gateway' })
    expect(gateway.deviceScope).toBe(`ms-azure-iot-edge://gateway-${gateway.generationId}`)
    expect(leaf).toMatchObject({ deviceScope: gateway.deviceScope, parentScopes: [gateway.deviceScope] })
    expect(Array.from(all.modules('gateway'), ({ identity }) => identity.moduleId)).toEqual(['$edgeAgent', '$edgeHub'])
  })

  test('knows who stands behind it, however deep, in whatever order they came', () => {
    const all = registry()
    all.createDevice({ deviceId: 'top', capabilities: { iotEdge: true } })
    all.createDevice({ deviceId: 'middle', capabilities: { iotEdge: true } })
    all.createDevice({ deviceId: 'leaf', parentId: 'middle' })
    all.createDevice({ deviceId: 'stranger' })
    all.update({ deviceId: 'middle' }, { parentId: 'top', capabilities: { iotEdge: true } })
    expect(Array.from(all.childrenOf('top'), ({ identity }) => identity.deviceId)).toEqual(['middle', 'leaf'])
  })

  test('is what a device can be made later', () => {
    const all = registry()
    all.createDevice({ deviceId: 'late' })
    const changed = all.update({ deviceId: 'late' }, { capabilities: { iotEdge: true } })
    expect(changed.deviceScope).toContain('ms-azure-iot-edge://late-')
    expect(all.find({ deviceId: 'late', moduleId: '$edgeHub' })).toBeDefined()
  })
})

test('a device made again under its name is another one', () => {
  const all = registry()
  const first = all.createDevice({ deviceId: 'press' })
  all.remove({ deviceId: 'press' })
  expect(all.createDevice({ deviceId: 'press' }).generationId).not.toBe(first.generationId)
})

test('removing a device removes its modules first, and everybody is told', () => {
  const all = registry()
  const changes: RegistryChange[] = []
  all.createDevice({ deviceId: 'press' })
  all.createModule({ deviceId: 'press', moduleId: 'filter' })
  all.watch(change => changes.push(change))
  all.remove({ deviceId: 'press' })
  expect(changes.map(({ kind, entry }) => [kind, entry.identity.moduleId])).toEqual([
    ['removed', 'filter'],
    ['removed', undefined],
  ])
})

test('an entity tag that is no longer the entry’s keeps it as it is', () => {
  const all = registry()
  const { etag } = all.createDevice({ deviceId: 'press' })
  all.setStatus('press', 'disabled')
  expect(() => all.remove({ deviceId: 'press' }, etag)).toThrow(
    expect.objectContaining({ code: 'HUB_PRECONDITION_FAILED' }),
  )
  expect(all.isEnabled({ deviceId: 'press' })).toBe(false)
})

test.each([
  [(all: Registry) => all.createDevice({ deviceId: 'a b' }), 'HUB_ARGUMENT_INVALID'],
  [(all: Registry) => all.createDevice({ deviceId: 'x'.repeat(129) }), 'HUB_ARGUMENT_INVALID'],
  [(all: Registry) => all.createDevice({ deviceId: 'x', parentId: 'press' }), 'HUB_ARGUMENT_INVALID'],
  [(all: Registry) => all.createDevice({ deviceId: 'press' }), 'HUB_DEVICE_EXISTS'],
  [(all: Registry) => all.createModule({ deviceId: 'ghost', moduleId: 'm' }), 'HUB_DEVICE_NOT_FOUND'],
  [(all: Registry) => all.get({ deviceId: 'press', moduleId: 'ghost' }), 'HUB_MODULE_NOT_FOUND'],
])('%s is refused with %s', (work, code) => {
  const all = registry()
  all.createDevice({ deviceId: 'press' })
  expect(() => work(all)).toThrow(expect.objectContaining({ code }))
})

test('a device takes fifty modules beside the system’s', () => {
  const all = registry()
  all.createDevice({ deviceId: 'press', capabilities: { iotEdge: true } })
  for (let n = 0; n < 50; n += 1) all.createModule({ deviceId: 'press', moduleId: `m${n}` })
  expect(() => all.createModule({ deviceId: 'press', moduleId: 'one-more' })).toThrow(
    expect.objectContaining({ code: 'HUB_QUOTA_EXCEEDED' }),
  )
})
