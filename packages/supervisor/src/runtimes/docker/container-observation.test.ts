import type { ContainerInspectInfo } from 'dockerode'
import { describe, expect, it } from 'vitest'
import { observationOf } from './container-observation.js'

/** What the engine says of a container, with some of its state in place of that of a running one. */
function inspected(state: object): ContainerInspectInfo {
  const running = {
    Status: 'running',
    Dead: false,
    OOMKilled: false,
    Error: '',
    ExitCode: 0,
    StartedAt: '2026-01-01T00:00:01.5Z',
    FinishedAt: '0001-01-01T00:00:00Z',
  }
  const Config = { Labels: { 'net.azure-devices.edge.original-image': 'press:1' } }
  return { Name: '/press', Config, State: { ...running, ...state } } as unknown as ContainerInspectInfo
}

const exited = { Status: 'exited', FinishedAt: '2026-01-01T00:00:02Z' }

describe('observationOf', () => {
  it.each([
    [{ Status: 'created' }, 'created'],
    [{}, 'running'],
    [{ Status: 'restarting' }, 'running'],
    [{ Status: 'paused' }, 'stopped'],
    [{ Health: { Status: 'starting' } }, 'running'],
    [{ Health: { Status: 'healthy' } }, 'running'],
    [{ Health: { Status: 'unhealthy' } }, 'unhealthy'],
    [{ ...exited, ExitCode: 0 }, 'stopped'],
    [{ ...exited, ExitCode: 1 }, 'failed'],
    [{ ...exited, ExitCode: 143 }, 'failed'],
    [{ ...exited, ExitCode: 137 }, 'failed'],
  ])('of %j is %s', (state, expected) => {
    expect(observationOf(inspected(state), false)?.state).toBe(expected)
  })

  it('takes the end by the signal that asks for it as one that was asked for, when it was', () => {
    expect(observationOf(inspected({ ...exited, ExitCode: 143 }), true)?.state).toBe('stopped')
    expect(observationOf(inspected({ ...exited, ExitCode: 137 }), true)?.state).toBe('failed')
  })

  it('has times and codes only where there are any, and the reason of an end', () => {
    const startedAt = Date.UTC(2026, 0, 1, 0, 0, 1, 500)
    expect(observationOf(inspected({}), false)).toEqual({
      name: 'press',
      state: 'running',
      startedAt,
      specification: expect.objectContaining({ settings: { image: 'press:1' } }),
    })
    const exitedAt = Date.UTC(2026, 0, 1, 0, 0, 2)
    expect(observationOf(inspected({ ...exited, ExitCode: 137, OOMKilled: true }), false)).toMatchObject({
      startedAt,
      exitedAt,
      exitCode: 137,
      reason: 'it ran out of memory',
    })
    expect(observationOf(inspected({ ...exited, ExitCode: 3 }), false)?.reason).toBe('it exited with code 3')
  })

  it('is none of a container that the engine gave up', () => {
    expect(observationOf(inspected({ Status: 'dead', Dead: true }), false)).toBeUndefined()
  })
})
