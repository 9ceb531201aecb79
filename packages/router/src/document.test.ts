import { describe, expect, test } from 'vitest'
import { checkRoutes, readMessageDocument, readRouteDocument } from './index.js'

const routes = { up: 'FROM /messages/* INTO $upstream', bad: 'FROM nowhere' }
const agent = { 'properties.desired': { modules: { sensor: {}, filter: {} } } }

describe('the rules of a document', () => {
  test.each([
    ['a manifest', { modulesContent: { $edgeAgent: agent, $edgeHub: { 'properties.desired': { routes } } } }],
    ['a deployment', { content: { modulesContent: { $edgeHub: { 'properties.desired': { routes } } } } }],
    [
      'a layer with one member a route',
      {
        modulesContent: {
          $edgeHub: { 'properties.desired.routes.up': routes.up, 'properties.desired.routes.bad': routes.bad },
        },
      },
    ],
    ['a layer with all routes', { modulesContent: { $edgeHub: { 'properties.desired.routes': routes } } }],
    ['the twin of the hub', { 'properties.desired': { schemaVersion: '1.1', routes } }],
    [
      'members of a layer alone',
      {
        'properties.desired.routes.up': routes.up,
        'properties.desired.routes.bad': routes.bad,
      },
    ],
    ['an object with routes', { routes }],
    ['a bare map', routes],
  ])('are found in %s', (_, document) => {
    expect(readRouteDocument(document).rules).toEqual(routes)
    const { table, errors } = checkRoutes(document)
    expect(table.routes.map(({ name }) => name)).toEqual(['up'])
    expect(errors.map(({ route }) => route)).toContain('bad')
  })

  test('come with the schema and the modules that the document has', () => {
    const hub = { 'properties.desired': { schemaVersion: '1.0', routes } }
    const whole = readRouteDocument({ modulesContent: { $edgeAgent: agent, $edgeHub: hub } })
    expect(whole).toMatchObject({ schema: '1.0', modules: ['sensor', 'filter'] })
    expect(readRouteDocument({ modulesContent: { $edgeHub: hub } }).modules).toBeUndefined()
  })

  test('are linted with the modules of the manifest', () => {
    const desired = { routes: { r: 'FROM /* INTO BrokeredEndpoint("/modules/fliter/inputs/in")' } }
    const document = { modulesContent: { $edgeAgent: agent, $edgeHub: { 'properties.desired': desired } } }
    expect(checkRoutes(document).warnings).toMatchObject([{ code: 'unknown-module', hint: 'Did you mean filter?' }])
  })

  test.each([
    ['text', 'the document is no JSON object'],
    [[], 'the document is no JSON object'],
    [{ modulesContent: {} }, 'the manifest has no $edgeHub'],
    [{ modulesContent: { $edgeHub: {} } }, '$edgeHub has no desired routes'],
    [{ modulesContent: { $edgeHub: { 'properties.desired': {} } } }, 'the desired properties have no object "routes"'],
  ])('are missing in %j', (document, message) => {
    const { table, errors } = checkRoutes(document)
    expect(errors).toMatchObject([{ code: 'ROUTE_DOCUMENT', message }])
    expect(table.routes).toEqual([])
  })
})

describe('a message in JSON', () => {
  test('has defaults for everything', () => {
    const { message, source } = readMessageDocument({})
    expect(source).toEqual({ kind: 'telemetry' })
    expect([message.body.byteLength, message.properties.size, message.system]).toEqual([0, 0, {}])
  })

  test('knows properties, system properties and the body', () => {
    const { message } = readMessageDocument({
      properties: { temp: 20, kind: 'A', none: null },
      system: { cid: 'c', 'absolute-expiry-time': '2030', messageId: 'm', deliveryCount: 3 },
      body: { x: 1 },
    })
    expect([...message.properties]).toEqual([
      ['temp', '20'],
      ['kind', 'A'],
      ['none', null],
    ])
    expect(message.system).toEqual({
      contentType: 'application/json',
      contentEncoding: 'utf-8',
      correlationId: 'c',
      expiryTime: '2030',
      messageId: 'm',
      deliveryCount: 3,
    })
    expect(Buffer.from(message.body).toString()).toBe('{"x":1}')
  })

  test.each([
    ['/messages', { kind: 'telemetry' }],
    ['/messages/modules/m', { kind: 'telemetry', moduleId: 'm' }],
    ['/messages/modules/m/outputs/o', { kind: 'telemetry', moduleId: 'm', output: 'o' }],
    ['/twinChangeNotifications', { kind: 'twinChange' }],
  ])('comes from %s', (from, source) => {
    expect(readMessageDocument({ from }).source).toMatchObject(source)
  })

  test.each([
    [5, 'the message is no JSON object'],
    [{ from: '/nowhere' }, 'no message comes from "/nowhere"'],
    [{ properties: [] }, 'the properties are no object'],
    [
      { system: { conectionDeviceId: 'x' } },
      'there is no system property conectionDeviceId; did you mean connectionDeviceId?',
    ],
    [{ bdoy: {} }, 'a message has no member bdoy'],
  ])('is refused when it is %j', (document, message) => {
    expect(() => readMessageDocument(document)).toThrow(message)
  })
})
