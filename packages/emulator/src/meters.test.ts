import { createMessage, memoryMeter } from '@edgewright/core'
import { virtualClock } from '@edgewright/testkit'
import { expect, test } from 'vitest'
import { meterState } from './meters.js'
import { HubState } from './state/hub-state.js'
import { memoryTables } from './state/table.js'

test('events are counted and clients shown', () => {
  const meter = memoryMeter()
  const state = new HubState({ tables: memoryTables(), clock: virtualClock(), hosts: () => [] })
  meterState(state, meter)
  const press = { deviceId: 'press' }
  const owner = { transport: 'test', part: () => undefined }
  state.registry.createDevice(press)
  state.clients.claim(press, owner)
  state.ingest(press, { scope: 'device', type: 'sas' }, [createMessage({}), createMessage({})])
  const readings = () => Object.fromEntries(meter.read().map(({ name, value }) => [name, value]))
  expect(readings()).toEqual({ emulator_clients: 1, emulator_events: 2 })
  state.clients.release(press, owner)
  expect(readings()).toMatchObject({ emulator_clients: 0 })
})
