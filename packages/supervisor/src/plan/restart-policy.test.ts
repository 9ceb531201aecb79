import type { ModuleState } from '@edgewright/core'
import { describe, expect, it } from 'vitest'
import { type ModuleMemory, NO_MEMORY } from './module-memory.js'
import { decideRestart, RESTART_DEFAULTS, type RestartDecision, type RestartPolicy } from './restart-policy.js'

const SEEN = 1_000_000
const never = Number.POSITIVE_INFINITY

function judge(policy: RestartPolicy, state: ModuleState, memory: Partial<ModuleMemory> = {}): RestartDecision {
  const specification = { name: 'sensor', type: 'in-process', settings: {}, environment: {} }
  const observed = { name: 'sensor', state, exitCode: 1, specification }
  return decideRestart(policy, observed, { ...NO_MEMORY, seenAt: SEEN, ...memory }, RESTART_DEFAULTS)
}

describe('decideRestart', () => {
  it.each<[ModuleState, RestartPolicy, RestartDecision['action'], number]>([
    ['created', 'never', 'start', 0],
    ['created', 'on-failure', 'start', 0],
    ['created', 'on-unhealthy', 'start', 0],
    ['created', 'always', 'start', 0],
    ['running', 'never', 'rest', never],
    ['running', 'on-failure', 'rest', never],
    ['running', 'on-unhealthy', 'rest', never],
    ['running', 'always', 'rest', never],
    ['unhealthy', 'never', 'rest', never],
    ['unhealthy', 'on-failure', 'rest', never],
    ['unhealthy', 'on-unhealthy', 'restart', SEEN + 10_000],
    ['unhealthy', 'always', 'restart', SEEN + 10_000],
    ['stopped', 'never', 'rest', never],
    ['stopped', 'on-failure', 'start', SEEN + 5_000],
    ['stopped', 'on-unhealthy', 'start', SEEN + 5_000],
    ['stopped', 'always', 'restart', SEEN + 10_000],
    ['failed', 'never', 'rest', never],
    ['failed', 'on-failure', 'restart', SEEN + 10_000],
    ['failed', 'on-unhealthy', 'restart', SEEN + 10_000],
    ['failed', 'always', 'restart', SEEN + 10_000],
  ])('for a module that is %s, with policy %s: %s', (state, policy, action, at) => {
    expect(judge(policy, state)).toMatchObject({ action, at })
  })

  it.each<[ModuleState, RestartPolicy]>([
    ['stopped', 'never'],
    ['failed', 'never'],
    ['failed', 'always'],
  ])('starts a module at once that was stopped on purpose (%s, %s)', (state, policy) => {
    expect(judge(policy, state, { stoppedOnPurpose: true })).toMatchObject({ action: 'start', at: 0 })
  })

  it('doubles the delay from 10 s up to 5 min', () => {
    const delays = Array.from({ length: 7 }, (_, restarts) => judge('always', 'failed', { restarts }).at - SEEN)
    expect(delays).toEqual([10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000])
  })

  it('leaves out up to a tenth of a delay at random', () => {
    expect(judge('always', 'failed', { spread: 1 }).at - SEEN).toBe(9_000)
  })

  it('gives up after 20 restarts, and says what happened', () => {
    expect(judge('always', 'failed', { restarts: 19 })).toMatchObject({ action: 'restart' })
    expect(judge('always', 'failed', { restarts: 20 })).toEqual({
      action: 'give-up',
      at: never,
      reason: 'it exited with code 1; it was restarted 20 times',
    })
  })

  it('forgets restarts after ten healthy minutes', () => {
    expect(judge('always', 'running', { restarts: 3 })).toMatchObject({ action: 'forget', at: SEEN + 600_000 })
  })
})
