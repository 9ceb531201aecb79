import type { JsonObject, JsonValue } from '@edgewright/core'
import { describe, expect, it } from 'vitest'
import { type DesiredModule, LAST_STARTUP_ORDER } from './deployment.js'
import { ManifestError } from './manifest-error.js'
import { parseDeployment } from './parse-deployment.js'

const minimal: JsonObject = {
  schemaVersion: '1.1',
  runtime: { type: 'docker' },
  systemModules: {},
}

const sensor: JsonObject = { type: 'docker', status: 'running', settings: { image: 'plant/sensor:1' } }

/** The module `sensor` of a deployment, with some members in place of the usual ones. */
function parseModule(members: JsonObject): DesiredModule {
  return parseDeployment({ ...minimal, modules: { sensor: { ...sensor, ...members } } }).modules[0]!
}

function problemsOf(document: unknown): [status: number, places: string[]] {
  try {
    parseDeployment(document)
  } catch (error) {
    if (error instanceof ManifestError) return [error.status, error.problems.map(({ place }) => place)]
    throw error
  }
  return [200, []]
}

const problemsOfModule = (members: JsonObject) =>
  problemsOf({ ...minimal, modules: { sensor: { ...sensor, ...members } } })

describe('a whole deployment', () => {
  const document: JsonObject = {
    schemaVersion: '1.1',
    runtime: {
      type: 'docker',
      settings: {
        minDockerVersion: 'v1.25',
        loggingOptions: '',
        registryCredentials: { plant: { address: 'registry.plant', username: 'puller', password: 's3cret' } },
      },
    },
    systemModules: {
      edgeAgent: { type: 'docker', settings: { image: 'plant/agent:1.5' } },
      edgeHub: { type: 'docker', status: 'running', startupOrder: 0, settings: { image: 'plant/hub:1.5' } },
    },
    modules: {
      press: {
        version: '2.3.1',
        type: 'docker',
        status: 'stopped',
        restartPolicy: 'always',
        startupOrder: 1,
        imagePullPolicy: 'never',
        env: { POLL_MS: { value: 250 }, DEBUG: { value: false }, EMPTY: { value: null }, NAME: { value: 'a=b' } },
        settings: { image: ' registry.plant:5000/press ', createOptions: '{"HostConfig":{}}' },
      },
      filter: { type: 'in-process', status: 'running', settings: { function: 'filter' } },
    },
  }

  it('is read with its defaults', () => {
    expect(parseDeployment(document)).toEqual({
      schemaVersion: '1.1',
      runtime: {
        type: 'docker',
        minDockerVersion: 'v1.25',
        loggingOptions: '',
        registryCredentials: [{ id: 'plant', address: 'registry.plant', username: 'puller', password: 's3cret' }],
      },
      systemModules: {
        edgeAgent: expect.objectContaining({ status: 'running', restartPolicy: 'always', startupOrder: 0 }),
        edgeHub: expect.objectContaining({ status: 'running', restartPolicy: 'always', startupOrder: 0 }),
      },
      modules: [
        {
          specification: {
            name: 'press',
            type: 'docker',
            settings: { image: 'registry.plant:5000/press:latest', createOptions: { HostConfig: {} } },
            environment: { POLL_MS: '250', DEBUG: 'False', EMPTY: '', NAME: 'a=b' },
          },
          version: '2.3.1',
          status: 'stopped',
          restartPolicy: 'always',
          imagePullPolicy: 'never',
          startupOrder: 1,
        },
        {
          specification: { name: 'filter', type: 'in-process', settings: { function: 'filter' }, environment: {} },
          version: '',
          status: 'running',
          restartPolicy: 'on-unhealthy',
          imagePullPolicy: 'on-create',
          startupOrder: LAST_STARTUP_ORDER,
        },
      ],
    })
  })

  it('is found in a document as tools send it, with or without its wrapping', () => {
    const expected = parseDeployment(document)
    const agent = { $edgeAgent: { 'properties.desired': document }, $edgeHub: { 'properties.desired': {} } }
    expect(parseDeployment(agent)).toEqual(expected)
    expect(parseDeployment({ modulesContent: agent })).toEqual(expected)
  })

  it('is matched without regard to case, and unknown members are passed over', () => {
    const { schemaVersion, ...rest } = document
    expect(parseDeployment({ ...rest, SCHEMAVERSION: schemaVersion!, $version: 7, integrity: {} })).toEqual(
      parseDeployment(document),
    )
  })

  it('tells everything that is wrong at once, with its place, and none of its secrets', () => {
    const bad = {
      ...minimal,
      runtime: {
        type: 'podman',
        settings: { registryCredentials: { plant: { address: ' ', username: 'u', password: { a: 's3cret' } } } },
      },
      modules: {
        'no name!': sensor,
        a: { type: 'docker', status: 'paused', settings: { image: '' } },
        b: { ...sensor, restartPolicy: null, startupOrder: -1, env: { A: 'bare', B: { value: [] } } },
        c: { ...sensor, type: 'wasm', settings: null },
        d: 7,
      },
    }
    const [status, places] = problemsOf(bad)
    expect(status).toBe(400)
    expect(places).toEqual([
      'runtime.type',
      'runtime.settings.registryCredentials.plant.address',
      'runtime.settings.registryCredentials.plant.password',
      'modules.no name!',
      'modules.a.settings.image',
      'modules.a.status',
      'modules.b.env.A',
      'modules.b.env.B',
      'modules.b.restartPolicy',
      'modules.b.startupOrder',
      'modules.c.type',
      'modules.c.settings',
      'modules.c.settings.image',
      'modules.d',
      'modules.d.type',
      'modules.d.settings',
      'modules.d.settings.image',
      'modules.d.status',
    ])
    const error = (() => {
      try {
        return parseDeployment(bad)
      } catch (thrown) {
        return thrown as ManifestError
      }
    })()
    expect(JSON.stringify(error)).not.toContain('s3cret')
  })

  it.each<[unknown, number]>([
    [{}, 417],
    [{ $version: 3 }, 417],
    [{ $edgeAgent: { 'properties.desired': {} } }, 417],
    [null, 400],
    [[], 400],
    ['{}', 400],
    [{ schemaVersion: '1.1' }, 400],
    [{ ...minimal, schemaVersion: null }, 400],
    [{ ...minimal, modules: null }, 200],
    [{ ...minimal, schemaVersion: '2.0', modules: { a: {} } }, 400],
  ])('%j is answered with %i', (document, status) => {
    expect(problemsOf(document)[0]).toBe(status)
  })

  it.each([
    ...['1.0', '1.0.0', '1.0.9', '1.0.9.9', '1.1', '1.1.0'].map(version => [version, 200] as const),
    ...['1', '', 'abc', '1.1.1', '1.1.0.0', '1.2', '2.0', '0.9', '1.0.0.0.0', '-1.0'].map(v => [v, 412] as const),
  ])('of schema version %j is answered with %i', (schemaVersion, status) => {
    expect(problemsOf({ ...minimal, schemaVersion })[0]).toBe(status)
  })
})

describe('create options', () => {
  const options = (settings: Record<string, JsonValue>) =>
    parseModule({ settings: { image: 'a', ...settings } }).specification.settings.createOptions

  it.each<[string, Record<string, JsonValue>, JsonObject]>([
    ['absent', {}, {}],
    ['null', { createOptions: null }, {}],
    ['empty', { createOptions: '' }, {}],
    ['the text null', { createOptions: 'null' }, {}],
    ['a text', { createOptions: '{"Hostname":"press"}' }, { Hostname: 'press' }],
    ['an object', { createOptions: { Hostname: 'press' } }, { Hostname: 'press' }],
    ['spelled small', { createoptions: '{"Hostname":"press"}' }, { Hostname: 'press' }],
    [
      'parts in any order',
      { createOptions02: '"}', createOptions: '{"Host', createOptions01: 'name":"press' },
      { Hostname: 'press' },
    ],
  ])('may be %s', (_, settings, expected) => {
    expect(options(settings)).toEqual(expected)
  })

  it.each<[string, Record<string, JsonValue>, string]>([
    ['no JSON', { createOptions: '{' }, 'createOptions'],
    ['an array', { createOptions: '[]' }, 'createOptions'],
    ['a number', { createOptions: 7 }, 'createOptions'],
    ['parts without the first', { createOptions01: '{}' }, 'createOptions'],
    ['parts with a gap', { createOptions: '{', createOptions02: '}' }, 'createOptions01'],
    ['an object with parts', { createOptions: {}, createOptions01: '}' }, 'createOptions'],
    ['spelled twice', { createOptions: '{}', createoptions: '{}' }, 'createOptions'],
  ])('may not be %s', (_, settings, member) => {
    const [status, places] = problemsOfModule({ settings: { image: 'a', ...settings } })
    expect([status, places[0]]).toEqual([400, `modules.sensor.settings.${member}`])
  })
})

describe('startup order', () => {
  it.each([0, 7, LAST_STARTUP_ORDER])('may be %d', startupOrder => {
    expect(parseModule({ startupOrder }).startupOrder).toBe(startupOrder)
  })

  it.each([-1, 1.5, LAST_STARTUP_ORDER + 1, true, 'first', ''])('may not be %j', startupOrder => {
    expect(problemsOfModule({ startupOrder })).toEqual([400, ['modules.sensor.startupOrder']])
  })
})

describe('environment', () => {
  it('keeps names that objects give a meaning', () => {
    const env = JSON.parse('{"__proto__":{"value":"x"},"constructor":{"value":1.5}}')
    expect(Object.entries(parseModule({ env }).specification.environment)).toEqual([
      ['__proto__', 'x'],
      ['constructor', '1.5'],
    ])
  })
})
