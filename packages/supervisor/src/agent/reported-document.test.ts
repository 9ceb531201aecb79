import type { JsonObject } from '@edgewright/core'
import { describe, expect, it } from 'vitest'
import { ManifestError } from '../manifest/manifest-error.js'
import { parseDeployment } from '../manifest/parse-deployment.js'
import type { ModuleStatus } from '../run/module-status.js'
import { NO_OUTCOME, outcomeOf } from './deployment-outcome.js'
import { MAX_REPORTED_BYTES, reportedDocument } from './reported-document.js'

const agent = { version: '0.1.0', os: 'linux', architecture: 'x86_64', startedAt: Date.UTC(2026, 0, 1) }
const outcome = { version: 12, code: 200, description: '' } as const

function manifest(modules: JsonObject) {
  return parseDeployment({
    schemaVersion: '1.1',
    runtime: {
      type: 'docker',
      settings: {
        registryCredentials: { plant: { address: 'registry.plant.example', username: 'puller', password: 's3cret' } },
      },
    },
    systemModules: {
      edgeAgent: { type: 'docker', settings: { image: 'agent:1' } },
      edgeHub: { type: 'docker', status: 'running', settings: { image: 'hub:1' }, startupOrder: 0 },
    },
    modules,
  })
}

const module = (more: JsonObject = {}, settings: JsonObject = {}): JsonObject => ({
  type: 'docker',
  status: 'running',
  restartPolicy: 'always',
  version: '2.3.1',
  startupOrder: 1,
  settings: { image: 'registry.plant.example/opcua:2.3.1', createOptions: '{"Hostname":"press"}', ...settings },
  env: { POLL_MS: { value: 250 }, DB: { value: 's3cret' } },
  ...more,
})

const status = (name: string, more: Partial<ModuleStatus> = {}): ModuleStatus => ({
  name,
  state: 'running',
  action: 'rest',
  reason: 'it runs',
  restarts: 0,
  ...more,
})

describe('reportedDocument', () => {
  it('has the shape of the original, without secrets', () => {
    const deployment = manifest({ opcua: module() })
    const observation = {
      name: 'opcua',
      state: 'failed',
      startedAt: Date.UTC(2026, 0, 2, 10, 2),
      exitedAt: Date.UTC(2026, 0, 2, 10, 2, 9),
      exitCode: 139,
      imageDigest: 'sha256:cc',
      specification: deployment.modules[0]!.specification,
    } as const
    const backoff = status('opcua', { state: 'backoff', restarts: 3, reason: 'it exited with code 139', observation })
    const document = reportedDocument({ agent, outcome, deployment, modules: [backoff] })
    expect(document).toEqual({
      schemaVersion: '1.0',
      version: { version: '0.1.0' },
      lastDesiredVersion: 12,
      lastDesiredStatus: { code: 200, description: '' },
      runtime: {
        platform: { os: 'linux', architecture: 'x86_64', version: '0.1.0' },
        type: 'docker',
        settings: {
          minDockerVersion: '',
          loggingOptions: '',
          registryCredentials: { plant: { address: 'registry.plant.example', username: 'puller', password: '***' } },
        },
      },
      systemModules: {
        edgeAgent: {
          type: 'docker',
          runtimeStatus: 'running',
          exitCode: 0,
          lastStartTimeUtc: '2026-01-01T00:00:00.000Z',
          lastExitTimeUtc: '0001-01-01T00:00:00Z',
          imagePullPolicy: 'on-create',
          startupOrder: 0,
          settings: { image: 'agent:1', imageHash: '', createOptions: '{}' },
          env: {},
        },
        edgeHub: {
          type: 'docker',
          status: 'running',
          restartPolicy: 'always',
          runtimeStatus: 'running',
          exitCode: 0,
          restartCount: 0,
          lastStartTimeUtc: '2026-01-01T00:00:00.000Z',
          lastExitTimeUtc: '0001-01-01T00:00:00Z',
          lastRestartTimeUtc: '0001-01-01T00:00:00Z',
          imagePullPolicy: 'on-create',
          startupOrder: 0,
          settings: { image: 'hub:1', imageHash: '', createOptions: '{}' },
          env: {},
        },
      },
      modules: {
        opcua: {
          version: '2.3.1',
          type: 'docker',
          status: 'running',
          restartPolicy: 'always',
          startupOrder: 1,
          imagePullPolicy: 'on-create',
          runtimeStatus: 'backoff',
          statusDescription: 'it exited with code 139',
          exitCode: 139,
          restartCount: 3,
          lastStartTimeUtc: '2026-01-02T10:02:00.000Z',
          lastExitTimeUtc: '2026-01-02T10:02:09.000Z',
          lastRestartTimeUtc: '2026-01-02T10:02:00.000Z',
          settings: {
            image: 'registry.plant.example/opcua:2.3.1',
            imageHash: 'sha256:cc',
            createOptions: '{"Hostname":"press"}',
          },
          env: { POLL_MS: { value: '***' }, DB: { value: '***' } },
        },
      },
    })
  })

  it.each<[string, JsonObject]>([
    ['a variable', { Env: ['A=s3cret'] }],
    ['a variable, in other case', { ENV: ['A=s3cret'] }],
    ['an option', { Cmd: ['--password', 's3cret'] }],
    ['an option with its value', { Cmd: ['--api-key=s3cret'] }],
    ['a command of a shell', { Cmd: ['sh', '-c', 'run --token s3cret'] }],
    ['an address', { Cmd: ['https://me:s3cret@db.example/x'] }],
    ['a connection string', { Labels: { cloud: 'HostName=a;SharedAccessKey=s3cret' } }],
    ['an option of a log driver', { HostConfig: { LogConfig: { Config: { 'splunk-token': 's3cret' } } } }],
  ])('does not tell a secret in %s', (_, createOptions) => {
    const deployment = manifest({ a: module({}, { createOptions }) })
    const document = reportedDocument({ agent, outcome, deployment, modules: [] })
    expect(JSON.stringify(document)).not.toContain('s3cret')
  })

  it.each([
    ['small options', 50, 10, 'env'],
    ['large options', 50, 4_000, 'exitCode'],
    ['too many modules', 1_000, 10, 'exitCode'],
  ])('fits into a twin with %s', (_, count, length, member) => {
    const names = Array.from({ length: count }, (_, index) => `module-${index}`)
    const options = module({}, { createOptions: { Hostname: 'x'.repeat(length) } })
    const deployment = manifest(Object.fromEntries(names.map(name => [name, options])))
    const modules = names.map(name => status(name))
    modules[count - 1] = status(names[count - 1]!, { state: 'failed' })
    const document = reportedDocument({ agent, outcome, deployment, modules })
    expect(Buffer.byteLength(JSON.stringify(document))).toBeLessThanOrEqual(MAX_REPORTED_BYTES)
    const reported = (document.modules as Record<string, JsonObject>)[names[count - 1]!]!
    expect(reported.runtimeStatus).toBe('failed')
    expect(reported).toHaveProperty(member)
  })

  it.each<[Partial<ModuleStatus>, string]>([
    [{ state: 'downloading' }, 'downloading'],
    [{ state: 'unhealthy' }, 'unhealthy'],
    [{ state: 'created' }, 'stopped'],
    [{ state: 'missing' }, 'unknown'],
    [{ state: 'missing', failure: 'no such image' }, 'backoff'],
  ])('tells of %j as %s', (state, runtimeStatus) => {
    const modules = [status('a', state)]
    const document = reportedDocument({ agent, outcome, deployment: undefined, modules })
    expect(document.modules).toMatchObject({ a: { runtimeStatus } })
  })
})

describe('outcomeOf', () => {
  const previous = { version: 11, code: 200, description: '' } as const
  const of = (modules: ModuleStatus[], refusal?: ManifestError) =>
    outcomeOf({ previous, version: 12, refusal, modules })
  const problem = (status: 400 | 412 | 417) => new ManifestError([{ status, place: 'a', message: 'a: it is missing' }])

  it.each<[string, ReturnType<typeof of>, object]>([
    ['is carried out', of([status('a')]), { version: 12, code: 200 }],
    ['crashes', of([status('a', { state: 'backoff', action: 'restart' })]), { version: 12, code: 200 }],
    ['is on its way', of([status('a', { state: 'downloading', action: 'update' })]), previous],
    ['waits for its order', of([status('a', { state: 'created', action: 'start' })]), previous],
    ['fails', of([status('a', { failure: 'no image' })]), { version: 12, code: 500, description: 'a: no image' }],
    ['is malformed', of([], problem(400)), { version: 12, code: 400, description: 'a: it is missing' }],
    ['is too new', of([], problem(412)), { version: 12, code: 412 }],
    ['is empty', of([], problem(417)), { version: 12, code: 417 }],
    ['is not known', NO_OUTCOME, { version: 0, code: 406 }],
  ])('of a deployment that %s', (_, outcome, expected) => {
    expect(outcome).toMatchObject(expected)
  })
})
