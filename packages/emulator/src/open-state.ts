import { meterState } from './meters.js'
import type { EmulatorOptions } from './options.js'
import { HubStorage } from './persistence/hub-storage.js'
import { Deployments } from './service-side/deployments.js'
import { HubState, type HubStateOptions } from './state/hub-state.js'
import { memoryTables } from './state/table.js'

/** The state of a running hub, and what keeps it. */
export interface OpenState {
  readonly state: HubState
  readonly deployments: Deployments
  /** Absent when memory is all there is. */
  readonly storage: HubStorage | undefined
}

/** Makes the state in memory, or reads it from the folder the options name. @throws `EMULATOR_DATA_DAMAGED` */
export async function openState(
  options: EmulatorOptions,
  { clock, hosts, admit }: Pick<HubStateOptions, 'clock' | 'hosts' | 'admit'>,
): Promise<OpenState> {
  const { dataDir, events, commands, authorities, meter } = options
  const storage = dataDir === undefined ? undefined : await HubStorage.open(dataDir)
  const state = new HubState({
    tables: storage?.tables ?? memoryTables(),
    clock,
    events,
    commands,
    authorities,
    hosts,
    admit,
    whenKept: storage?.whenKept,
  })
  await storage?.keep(state.events)
  if (meter !== undefined) meterState(state, meter)
  return { state, deployments: new Deployments(state), storage }
}
