import type { Meter } from '@edgewright/core'
import type { HubState } from './state/hub-state.js'

/** Counts what the hub takes as `emulator_events` by source, and shows who is there as `emulator_clients`. */
export function meterState(state: HubState, meter: Meter): void {
  const clients = meter.gauge('emulator_clients')
  state.clients.watch(({ kind }) => {
    if (kind !== 'listening') clients.set(state.clients.size)
  })
  const telemetry = meter.counter('emulator_events', { source: 'Telemetry' })
  state.events.watch(({ source }) => {
    if (source === 'Telemetry') telemetry.add()
    else meter.counter('emulator_events', { source }).add()
  })
}
