import { fork } from 'node:child_process'
import { once } from 'node:events'
import Docker from 'dockerode'
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest'
import { type ModuleStatus, type SupervisedModule, Supervisor } from '../src/index.js'
import { engineMissing, NOWHERE, TEST_IMAGE } from './support/engine.js'
import { idOf as ownIdOf, OwnContainers, removeContainers } from './support/own-containers.js'

const missing = await engineMissing()
const engine = new Docker()
const prefix = `supervised-${process.pid}-`

const STAYS = 'trap "exit 0" TERM; while :; do sleep 0.05; done'

function module(
  name: string,
  script = STAYS,
  members: Partial<SupervisedModule> = {},
  more: object = {},
): SupervisedModule {
  const createOptions = { Cmd: ['/bin/sh', '-c', script], HostConfig: { NetworkMode: 'none' }, ...more }
  const settings = { image: TEST_IMAGE, createOptions }
  const specification = { name: prefix + name, type: 'docker', settings, environment: {} }
  return { specification, imagePullPolicy: 'never', ...members }
}

function supervise(modules: readonly SupervisedModule[]): Supervisor {
  const quick = { firstDelay: 100, settleAfter: 100, grace: 5_000, healthyAfter: 3_600_000 }
  return new Supervisor({ runtimes: [new OwnContainers(prefix)] }, { ...quick, modules })
}

async function until(supervisor: Supervisor, holds: (status: Record<string, ModuleStatus>) => boolean): Promise<void> {
  const status = () => Object.fromEntries(supervisor.status().map(entry => [entry.name.slice(prefix.length), entry]))
  while (!holds(status())) await once(supervisor as never, 'status')
}

const idOf = (name: string) => ownIdOf(prefix + name)

describe.sequential('a supervisor on a real engine', () => {
  let supervisor: Supervisor | undefined

  beforeEach((context: TestContext) => {
    if (missing !== undefined) context.skip(missing)
  })

  afterEach(async () => {
    await supervisor?.stop()
    if (missing !== undefined) return
    await removeContainers(prefix)
  })

  it('deploys, updates one, mends one, removes one, and leaves the others alone', async () => {
    supervisor = supervise(['a', 'b', 'c'].map(name => module(name)))
    await supervisor.start()
    await until(supervisor, ({ a, b, c }) => [a, b, c].every(status => status?.state === 'running'))
    const before = { a: await idOf('a'), b: await idOf('b') }

    supervisor.apply([module('a'), module('b', STAYS, {}, { Hostname: 'changed' })])
    await until(supervisor, ({ b, c }) => c === undefined && b?.state === 'running' && b.reason === 'it runs')
    expect(await idOf('a')).toBe(before.a)
    expect(await idOf('b')).not.toBe(before.b)
    await expect(idOf('c')).rejects.toMatchObject({ statusCode: 404 })

    await engine.getContainer(`${prefix}b`).kill({ signal: 'SIGKILL' })
    await until(supervisor, ({ b }) => b?.state === 'running' && b.restarts === 1)
    expect(await idOf('a')).toBe(before.a)

    await engine.getContainer(`${prefix}b`).remove({ force: true })
    await until(supervisor, ({ b }) => b?.state === 'running' && b.restarts === 0)
  })

  it('restarts what crashes and what is unhealthy, with the reason', async () => {
    const Healthcheck = { Test: ['CMD', '/bin/sh', '-c', 'exit 1'], Interval: 1e8, Timeout: 1e9, Retries: 1 }
    supervisor = supervise([module('crashes', 'exit 3'), module('sick', STAYS, {}, { Healthcheck }), module('steady')])
    await supervisor.start()
    await until(supervisor, ({ crashes, sick }) => crashes!.restarts >= 2 && sick!.restarts >= 1)
    await until(supervisor, ({ crashes }) => crashes?.state === 'backoff')
    const statuses = supervisor.status()
    expect(statuses.find(({ name }) => name.endsWith('crashes'))!.reason).toBe('it exited with code 3')
    expect(statuses.find(({ name }) => name.endsWith('steady'))).toMatchObject({ state: 'running', restarts: 0 })
  })

  it('goes on with what is there when it comes back', async () => {
    supervisor = supervise([module('a')])
    await supervisor.start()
    await until(supervisor, ({ a }) => a?.state === 'running')
    const before = await idOf('a')
    await supervisor.stop()
    expect((await engine.getContainer(before).inspect()).State.Running).toBe(true)
    supervisor = supervise([module('a'), module('b')])
    await supervisor.start()
    await until(supervisor, ({ a, b }) => a?.state === 'running' && b?.state === 'running')
    expect(await idOf('a')).toBe(before)
  })

  it('says of an image that cannot be had why, and keeps the rest up', async () => {
    const bad = module('bad')
    const settings = { ...bad.specification.settings, image: `${NOWHERE}/missing:1` }
    supervisor = supervise([
      { ...bad, specification: { ...bad.specification, settings }, imagePullPolicy: 'on-create' },
      module('good'),
    ])
    await supervisor.start()
    await until(supervisor, status => status.good?.state === 'running' && status.bad?.failure !== undefined)
    expect(supervisor.status().find(({ name }) => name.endsWith('bad'))!.failure).toContain('The image cannot be had')
  })

  it('goes on where another was killed in the middle of a plan, and leaves the others alone', async () => {
    supervisor = supervise([module('steady'), module('changed')])
    await supervisor.start()
    await until(supervisor, ({ steady, changed }) => steady?.state === 'running' && changed?.state === 'running')
    await supervisor.stop()
    const before = { steady: await idOf('steady'), changed: await idOf('changed') }

    const wanted = [module('steady'), module('changed', STAYS, {}, { Hostname: 'changed' }), module('new')]
    const child = fork(new URL('./support/supervisor-process.mjs', import.meta.url), {
      execArgv: [],
      env: { ...process.env, PREFIX: prefix, HANG_AT: `${prefix}changed`, MODULES: JSON.stringify(wanted) },
    })
    expect((await once(child, 'message'))[0]).toBe('hangs')
    child.kill('SIGKILL')
    await once(child, 'exit')
    await expect(idOf('changed')).rejects.toMatchObject({ statusCode: 404 })

    supervisor = supervise(wanted)
    await supervisor.start()
    await until(supervisor, status => Object.values(status).every(({ reason }) => reason === 'it runs'))
    expect(supervisor.status()).toHaveLength(3)
    expect(await idOf('steady')).toBe(before.steady)
    expect(await idOf('changed')).not.toBe(before.changed)
  })
})
