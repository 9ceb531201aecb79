import type { ModuleObservation, ModuleSpecification, ModuleState as State } from '@edgewright/core'
import { describe, expect, it } from 'vitest'
import { type DesiredModule, LAST_STARTUP_ORDER } from '../manifest/deployment.js'
import { type ModuleMemory, NO_MEMORY } from './module-memory.js'
import { type ModulePlan, planModule } from './plan-module.js'
import { RESTART_DEFAULTS } from './restart-policy.js'

const specification: ModuleSpecification = {
  name: 'sensor',
  type: 'docker',
  settings: { image: 'sensor:1', createOptions: {} },
  environment: {},
}

const wanted: DesiredModule = {
  specification,
  version: '',
  status: 'running',
  restartPolicy: 'always',
  imagePullPolicy: 'on-create',
  startupOrder: LAST_STARTUP_ORDER,
}

const seen = (state: State, made = specification): ModuleObservation => ({ name: 'sensor', state, specification: made })

function judge(
  desired: DesiredModule | undefined,
  observed: ModuleObservation | undefined,
  memory: Partial<ModuleMemory> = {},
): ModulePlan {
  return planModule({ name: 'sensor', desired, observed, memory: { ...NO_MEMORY, ...memory } }, RESTART_DEFAULTS)
}

const changed: ModuleSpecification = { ...specification, settings: { image: 'sensor:2', createOptions: {} } }

describe('planModule', () => {
  it.each<[string, DesiredModule | undefined, ModuleObservation | undefined, string, string[]]>([
    ['is missing', wanted, undefined, 'create', ['pull', 'create', 'start']],
    [
      'is missing and not to be pulled',
      { ...wanted, imagePullPolicy: 'never' },
      undefined,
      'create',
      ['create', 'start'],
    ],
    ['is missing and to be stopped', { ...wanted, status: 'stopped' }, undefined, 'create', ['pull', 'create']],
    [
      'runs and is to change',
      { ...wanted, specification: changed },
      seen('running'),
      'update',
      ['pull', 'stop', 'remove', 'create', 'start'],
    ],
    [
      'is down and is to change',
      { ...wanted, specification: changed },
      seen('failed'),
      'update',
      ['pull', 'remove', 'create', 'start'],
    ],
    ['runs and is not wanted', undefined, seen('running'), 'remove', ['stop', 'remove']],
    ['is down and not wanted', undefined, seen('stopped'), 'remove', ['remove']],
    ['runs and is to be stopped', { ...wanted, status: 'stopped' }, seen('running'), 'stop', ['stop']],
    ['is unhealthy and to be stopped', { ...wanted, status: 'stopped' }, seen('unhealthy'), 'stop', ['stop']],
    ['is down and is to be', { ...wanted, status: 'stopped' }, seen('failed'), 'rest', []],
    ['runs and is to run', wanted, seen('running'), 'rest', []],
    ['was never started', wanted, seen('created'), 'start', ['start']],
    ['has failed', wanted, seen('failed'), 'restart', ['start']],
    ['is unhealthy', wanted, seen('unhealthy'), 'restart', ['stop', 'start']],
  ])('for a module that %s', (_, desired, observed, action, steps) => {
    expect(judge(desired, observed)).toMatchObject({ action, steps })
  })

  it.each<Partial<DesiredModule>>([
    { restartPolicy: 'never' },
    { startupOrder: 3 },
    { imagePullPolicy: 'never' },
    { version: '2' },
  ])('touches nothing when only supervision changes: %j', change => {
    expect(judge({ ...wanted, ...change }, seen('running')).steps).toEqual([])
  })

  it('says why', () => {
    const environment = { TOKEN: 's3cret' }
    const after = { ...wanted, specification: { ...changed, environment } }
    expect(judge(after, seen('running')).reason).toBe(
      'it is to change: its image: sensor:1 became sensor:2, its environment variable TOKEN',
    )
    expect(judge(undefined, seen('running')).reason).toBe('it is not in the deployment')
  })

  it('spaces steps that failed, and never stops trying', () => {
    const at = (failedAttempts: number) => judge(wanted, undefined, { failedAttempts, attemptedAt: 1_000 }).at
    expect([at(0), at(1), at(2), at(50)]).toEqual([0, 11_000, 21_000, 301_000])
  })
})
