import type { JsonObject } from '@edgewright/core'
import { virtualClock } from '@edgewright/testkit'
import { beforeEach, describe, expect, test } from 'vitest'
import { HubState } from '../state/hub-state.js'
import { memoryTables } from '../state/table.js'
import { Deployments } from './deployments.js'

const GATEWAY = { deviceId: 'gateway' }

let state: HubState
let deployments: Deployments
beforeEach(() => {
  state = new HubState({ tables: memoryTables(), clock: virtualClock(), hosts: () => [] })
  deployments = new Deployments(state)
  state.registry.createDevice({ ...GATEWAY, capabilities: { iotEdge: true } })
})

const desired = (moduleId: string) => state.twins.get({ ...GATEWAY, moduleId }).desired.properties
const modules = () => Array.from(state.registry.modules('gateway'), ({ identity }) => identity.moduleId)
const base = (...names: string[]): { $edgeAgent: JsonObject } => ({
  $edgeAgent: { 'properties.desired': { modules: Object.fromEntries(names.map(name => [name, { image: name }])) } },
})

test('a deployment makes the modules it runs, sets their twins, and takes away what it no longer runs', () => {
  deployments.apply('gateway', { ...base('sensor', 'filter'), sensor: { 'properties.desired': { rate: 2 } } })
  expect(modules()).toEqual(['$edgeAgent', '$edgeHub', 'sensor', 'filter'])
  expect(desired('sensor')).toEqual({ rate: 2 })
  state.registry.createModule({ ...GATEWAY, moduleId: 'by-hand' })
  deployments.apply('gateway', base('filter'))
  expect(modules()).toEqual(['$edgeAgent', '$edgeHub', 'filter', 'by-hand'])
})

describe('an automatic deployment', () => {
  const create = (id: string, priority: number, modulesContent: JsonObject, targetCondition = '*') =>
    state.configurations.create(id, { priority, targetCondition, content: { modulesContent } })

  test('comes to edge devices that its condition meets, as they and their tags come', () => {
    create('north', 1, base('sensor'), "tags.site = 'north'")
    expect(modules()).not.toContain('sensor')
    state.twins.change(GATEWAY, { tags: { site: 'north' } }, 'merge')
    expect(modules()).toContain('sensor')
    expect(deployments.targets(state.configurations.get('north'))).toEqual([GATEWAY])
  })

  test('of the highest priority wins, and layers above it are laid on in order', () => {
    create('low', 1, base('old'))
    create('high', 5, { ...base('sensor'), sensor: { 'properties.desired': { rate: 1, unit: 'C' } } })
    create('below', 3, { sensor: { 'properties.desired.rate': 99 } })
    create('layer', 6, {
      $edgeAgent: { 'properties.desired.modules.extra': { image: 'extra' } },
      sensor: { 'properties.desired.rate': 2 },
    })
    create('top', 7, { sensor: { 'properties.desired.rate': 3 } })
    expect(modules()).toEqual(['$edgeAgent', '$edgeHub', 'sensor', 'extra'])
    expect(desired('$edgeAgent')).toEqual({ modules: { sensor: { image: 'sensor' }, extra: { image: 'extra' } } })
    expect(desired('sensor')).toEqual({ rate: 3, unit: 'C' })
    state.configurations.remove('top')
    expect(desired('sensor')).toEqual({ rate: 2, unit: 'C' })
  })

  test('of devices sets parts of their desired properties', () => {
    state.registry.createDevice({ deviceId: 'leaf' })
    state.twins.change({ deviceId: 'leaf' }, { desired: { own: true } }, 'merge')
    const content = { deviceContent: { 'properties.desired.chiller': { celsius: 4 } } }
    state.configurations.create('cold', { targetCondition: "deviceId = 'leaf'", content })
    expect(state.twins.get({ deviceId: 'leaf' }).desired.properties).toEqual({ own: true, chiller: { celsius: 4 } })
  })
})
