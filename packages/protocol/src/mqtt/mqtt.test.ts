import type { Identity, SystemProperties } from '@edgewright/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Refusal } from '../refusal.js'
import { type ClientTopic, formatClientTopic, parseClientTopic } from './client-topic.js'
import { ClientTopicReader } from './client-topic-reader.js'
import { formatHubTopic, type HubTopic, parseHubTopic } from './hub-topic.js'
import { decodePropertyBag, EMPTY_BAG, encodePropertyBag } from './property-bag.js'
import { formatSubscriptionFilter, parseSubscriptionFilter } from './subscription-filter.js'
import { formatUsername, parseUsername } from './username.js'

const id = fc.string({
  unit: fc.constantFrom(..."abzAZ09-:.%_*?!(),=@;$'"),
  minLength: 1,
  maxLength: 128,
})
const identity: fc.Arbitrary<Identity> = fc.oneof(
  fc.record({ deviceId: id }),
  fc.record({ deviceId: id, moduleId: id }),
)
const text = fc.string({ unit: 'grapheme' })
const requestId = fc.string({ unit: fc.constantFrom(...'abcdef0123456789-'), minLength: 1 })
const version = fc.nat()
const name = text.filter(
  value => value !== '' && !value.startsWith('$.') && !['ack', 'iothub-ack', 'iothub-operation'].includes(value),
)
const system: fc.Arbitrary<SystemProperties> = fc.record(
  { messageId: text, correlationId: text, contentType: text, creationTime: text, component: text, ack: text },
  { requiredKeys: [] },
)

describe('property bag', () => {
  test('is what it was after going to the hub and being read', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.option(text))), system, (pairs, system) => {
        const properties = new Map(pairs)
        expect(decodePropertyBag(encodePropertyBag({ properties, system }, 'to-hub'), 'to-hub')).toEqual({
          properties,
          system,
        })
      }),
    )
  })

  test('can always be written, whatever the text, and never holds what would end a topic', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (name, value) => {
        const bag = encodePropertyBag({ properties: new Map([[`${name}\ud800`, value]]), system: {} }, 'to-client')
        expect(bag).toMatch(/^[A-Za-z0-9\-_.~%=&]*$/)
      }),
    )
  })

  test('tells a property without a value from an empty one, and writes both alike to clients', () => {
    const bag = decodePropertyBag('absent&empty=', 'to-hub')
    expect(bag.properties).toEqual(
      new Map([
        ['absent', null],
        ['empty', ''],
      ]),
    )
    expect(encodePropertyBag(bag, 'to-hub')).toBe('absent&empty=')
    expect(encodePropertyBag(bag, 'to-client')).toBe('absent=&empty=')
  })

  test('reads what the Node SDK sends', () => {
    const bag = '%24.mid=mid%201&%24.cid=c%2F1&%24.ct=application%2Fjson&%24.ce=utf-8&my%20prop=a%3Db%26c'
    expect(decodePropertyBag(bag, 'to-hub')).toEqual({
      properties: new Map([['my prop', 'a=b&c']]),
      system: { messageId: 'mid 1', correlationId: 'c/1', contentType: 'application/json', contentEncoding: 'utf-8' },
    })
  })

  test('tolerates a leading question mark, raw names, a plus sign and bare percent signs', () => {
    expect(decodePropertyBag('?$.ct=text&rate=50%&sum=1+1', 'to-hub')).toEqual({
      properties: new Map([
        ['rate', '50%'],
        ['sum', '1+1'],
      ]),
      system: { contentType: 'text' },
    })
  })

  test('does not believe a client who says who it is, and tells a client who sent', () => {
    expect(decodePropertyBag('%24.cdid=other&%24.cmid=module', 'to-hub')).toEqual(EMPTY_BAG)
    const stamped = { ...EMPTY_BAG, system: { connectionDeviceId: 'd', connectionModuleId: 'm', outputName: 'o' } }
    expect(encodePropertyBag(stamped, 'to-client')).toBe('%24.cdid=d&%24.cmid=m')
    expect(encodePropertyBag(stamped, 'to-hub')).toBe('%24.on=o')
  })
})

describe('topics', () => {
  const bag = { properties: new Map([['k', 'v/w']]), system: { messageId: 'm' } }
  const clientTopic: fc.Arbitrary<ClientTopic> = fc.oneof(
    identity.map((identity): ClientTopic => ({ kind: 'telemetry', identity, ...bag })),
    requestId.map((requestId): ClientTopic => ({ kind: 'twin-get', requestId })),
    fc.record({ kind: fc.constant('report' as const), requestId, version }),
    fc.record({ kind: fc.constant('method-response' as const), requestId, status: fc.integer({ min: -99, max: 999 }) }),
  )
  const hubTopic: fc.Arbitrary<HubTopic> = fc.oneof(
    fc
      .tuple(id, id, id)
      .map(
        ([deviceId, moduleId, input]): HubTopic => ({ kind: 'input', identity: { deviceId, moduleId }, input, ...bag }),
      ),
    identity.map((identity): HubTopic => ({ kind: 'command', identity, ...bag })),
    fc.record({ kind: fc.constant('twin-response' as const), status: fc.constant(204), requestId, version }),
    fc.record({ kind: fc.constant('desired' as const), version }),
    fc.record({ kind: fc.constant('method-request' as const), name: text.filter(name => name !== ''), requestId }),
  )

  test('of clients are what they were after being written and read', () => {
    fc.assert(fc.property(clientTopic, topic => void expect(parseClientTopic(formatClientTopic(topic))).toEqual(topic)))
  })

  test('of hubs are what they were after being written and read', () => {
    fc.assert(fc.property(hubTopic, topic => void expect(parseHubTopic(formatHubTopic(topic))).toEqual(topic)))
  })

  test('never throw when read', () => {
    const prefix = fc.constantFrom(
      '',
      'devices/d/',
      'devices/d/messages/events/',
      '$iothub/methods/',
      '$iothub/twin/res/',
    )
    fc.assert(
      fc.property(prefix, fc.string({ unit: 'binary' }), (prefix, rest) => {
        parseClientTopic(prefix + rest)
        parseHubTopic(prefix + rest)
      }),
    )
  })

  test.each([
    ['devices/d/messages/events', { kind: 'telemetry', identity: { deviceId: 'd' }, ...EMPTY_BAG }],
    ['devices/d/messages/events/', { kind: 'telemetry', identity: { deviceId: 'd' }, ...EMPTY_BAG }],
    [
      'devices/d/modules/m/messages/events/%24.on=out1/',
      {
        kind: 'telemetry',
        identity: { deviceId: 'd', moduleId: 'm' },
        properties: new Map(),
        system: { outputName: 'out1' },
      },
    ],
    ['$iothub/twin/GET/?$rid=a1', { kind: 'twin-get', requestId: 'a1' }],
    ['$iothub/twin/PATCH/properties/reported/?$rid=7&$version=3', { kind: 'report', requestId: '7', version: 3 }],
    ['$iothub/twin/PATCH/properties/reported/', { kind: 'report' }],
    ['$iothub/methods/res/-1/?$rid=r', { kind: 'method-response', requestId: 'r', status: -1 }],
    ['$iothub/methods/res/fine/?$rid=r', { kind: 'method-response', requestId: 'r', status: undefined }],
  ])('%s is understood', (topic, expected) => {
    expect(parseClientTopic(topic)).toEqual(expected)
  })

  test.each([
    '',
    'devices/',
    'devices//messages/events/',
    'devices/d/messages/events/a/b',
    'devices/d/messages/eventsX',
    'devices/d/messages/devicebound/',
    'devices/d/messages/events/a+b',
    'devices/#/messages/events/',
    'devices/d/messages/events/\0',
    '$iothub/twin/GET/',
    '$iothub/twin/GET/?$rid=',
    '$iothub/methods/res/200',
    '$iothub/methods/POST/reboot/?$rid=1',
    '$SYS/broker',
    'free/topic',
  ])('%j is refused', topic => {
    expect(parseClientTopic(topic)).toBeInstanceOf(Refusal)
  })
})

describe('ClientTopicReader', () => {
  const reader = new ClientTopicReader({ deviceId: 'd', moduleId: 'm' })
  const read = (topic: string | Buffer) => {
    const bytes = Buffer.concat([Buffer.from('??'), Buffer.from(topic), Buffer.from('??')])
    return reader.read(bytes, 2, bytes.length - 2)
  }

  test('gives the same value for the same bytes', () => {
    const first = read('devices/d/modules/m/messages/events/%24.ct=a')
    expect(first).toMatchObject({ kind: 'telemetry', system: { contentType: 'a' } })
    expect(read('devices/d/modules/m/messages/events/%24.ct=a')).toBe(first)
    expect(read('devices/d/modules/m/messages/events/%24.ct=b')).toMatchObject({ system: { contentType: 'b' } })
  })

  test.each([
    'devices/d/messages/events/',
    'devices/D/modules/m/messages/events/',
    'devices/d/modules/n/messages/events/',
  ])('%s is another identity', topic => {
    expect(read(topic)).toMatchObject({ reason: expect.stringContaining('another identity') })
  })

  test('refuses ill-formed text', () => {
    expect(read(Buffer.from([0x64, 0xff]))).toBeInstanceOf(Refusal)
  })
})

describe('subscription filters', () => {
  test.each(['commands', 'desired', 'methods'] as const)('%s is understood for devices and modules', subscription => {
    fc.assert(
      fc.property(identity, identity => {
        const filter = formatSubscriptionFilter(subscription, identity)
        expect(parseSubscriptionFilter(filter, identity)).toEqual({ kind: 'subscription', subscription })
      }),
    )
  })

  test.each(['devices/d/modules/m/inputs/#', 'devices/d/modules/m/#'])('%s asks for inputs', filter => {
    const expected = { kind: 'subscription', subscription: 'inputs' }
    expect(parseSubscriptionFilter(filter, { deviceId: 'd', moduleId: 'm' })).toEqual(expected)
    expect(parseSubscriptionFilter(filter, { deviceId: 'd' })).toBeInstanceOf(Refusal)
    expect(parseSubscriptionFilter(filter, { deviceId: 'd', moduleId: 'n' })).toBeInstanceOf(Refusal)
  })

  test.each(['#', '+/#', 'devices/#', 'devices/d/#', 'devices/other/messages/devicebound/#', '$iothub/#'])(
    '%s is refused',
    filter => {
      expect(parseSubscriptionFilter(filter, { deviceId: 'd' })).toBeInstanceOf(Refusal)
    },
  )

  test('twin responses need nothing of the hub', () => {
    expect(parseSubscriptionFilter('$iothub/twin/res/#', { deviceId: 'd' })).toEqual({ kind: 'twin-responses' })
  })
})

describe('user names', () => {
  test('are what they were after being written and read', () => {
    const optional = fc.option(text, { nil: undefined })
    const username = fc.record({
      host: fc.domain(),
      identity,
      apiVersion: text.filter(version => version !== ''),
      productInfo: optional,
      modelId: optional,
      authChain: optional,
    })
    fc.assert(fc.property(username, username => void expect(parseUsername(formatUsername(username))).toEqual(username)))
  })

  test.each([
    ['hub/d/?api-version=2021-04-12&model-id=dtmi:a;1', { deviceId: 'd' }, 'dtmi:a;1'],
    ['hub/d/m/?api-version=2021-04-12&DeviceClientType=node%2F1', { deviceId: 'd', moduleId: 'm' }, undefined],
    ['hub/d/api-version=2016-11-14', { deviceId: 'd' }, undefined],
    ['hub/d/api-version=2016-11-14/DeviceClientType=old', { deviceId: 'd' }, undefined],
    ['hub/?d/?model-id=x&api-version=1&model-id=y', { deviceId: '?d' }, 'x'],
  ])('%s is understood', (username, identity, modelId) => {
    expect(parseUsername(username)).toMatchObject({ host: 'hub', identity, modelId })
  })

  test.each([
    '',
    'hub',
    'hub/d',
    'hub/d/',
    'hub/d/?',
    'hub/d/?model-id=x',
    'hub/d/?api-version=',
    'hub//?api-version=1',
    'hub/d//?api-version=1',
    'hub/d/m/x/?api-version=1',
    `hub/${'d'.repeat(129)}/?api-version=1`,
  ])('%j is refused', username => {
    expect(parseUsername(username)).toBeInstanceOf(Refusal)
  })
})
