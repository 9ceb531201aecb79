import { createMessage, type Identity, type Message } from '@edgewright/core'
import fc from 'fast-check'
import rhea from 'rhea'
import { describe, expect, test } from 'vitest'
import {
  AMQP_CONDITION,
  AMQP_LIMITS,
  AmqpBodyValue,
  type AmqpMessage,
  type AmqpValue,
  conditionMeaning,
  decodeAmqpBatch,
  deliveryFromAmqp,
  deliveryToAmqp,
  encodeAmqpBatch,
  encodeAmqpMessage,
  formatLinkAddress,
  idText,
  long,
  methodRequestFromAmqp,
  methodRequestToAmqp,
  methodResponseFromAmqp,
  methodResponseToAmqp,
  parseLinkAddress,
  putTokenFromAmqp,
  putTokenReplyFromAmqp,
  putTokenReplyToAmqp,
  putTokenToAmqp,
  Refusal,
  symbol,
  telemetryFromAmqp,
  telemetryToAmqp,
  timestamp,
  twinNoticeFromAmqp,
  twinNoticeToAmqp,
  twinRequestFromAmqp,
  twinRequestToAmqp,
  ubyte,
  ulong,
  uuid,
  uuidBytes,
  type WritableAmqpMessage,
} from '../index.js'

/** Over the wire: written by us, read by another implementation. */
function wire(message: WritableAmqpMessage): AmqpMessage {
  return rhea.message.decode(encodeAmqpMessage(message)) as AmqpMessage
}

/** Written by another implementation, with the body as a data section. */
function theirs(message: object, body: Buffer): AmqpMessage {
  return rhea.message.decode(rhea.message.encode({ ...message, body: rhea.message.data_section(body) })) as AmqpMessage
}

const ids = fc.stringMatching(/^[A-Za-z0-9\-:.+%_#*?!(),=@;$']{1,40}$/)
const identities: fc.Arbitrary<Identity> = fc.oneof(
  fc.record({ deviceId: ids }),
  fc.record({ deviceId: ids, moduleId: ids }),
)
const text = fc.string({ unit: 'grapheme', maxLength: 300 })
const ascii = fc.stringMatching(/^[ -~]{1,60}$/)
const times = fc.date({ noInvalidDate: true, min: new Date(0) }).map(time => time.toISOString())
const bodies = fc.uint8Array({ maxLength: 600 }).map(bytes => Buffer.from(bytes))
const properties = fc
  .array(
    fc.tuple(
      text.filter(name => !name.startsWith('iothub-') && name !== '__proto__'),
      fc.option(text),
    ),
  )
  .map(entries => new Map(entries))

function messages(system: Parameters<typeof fc.record>[0]): fc.Arbitrary<Message> {
  return fc.record({
    body: bodies,
    properties,
    system: fc.record(system, { requiredKeys: [] }),
  }) as fc.Arbitrary<Message>
}

const common = {
  messageId: text,
  correlationId: text,
  userId: text,
  to: text,
  contentType: ascii,
  contentEncoding: ascii,
  expiryTime: times,
  ack: fc.constantFrom('none', 'full'),
  messageSchema: text,
  creationTime: times,
  operation: text,
  component: text,
}

describe('a value', () => {
  test.each<[string, AmqpValue]>([
    ['null', null],
    ['text', 'grüße'],
    ['long text', 'x'.repeat(70_000)],
    ['truth', true],
    ['small numbers', [0, 1, -1, 127, 128, -128, -129, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1]],
    ['large numbers', [2 ** 52, -(2 ** 52), 0.5, -1e300]],
    ['bytes', Buffer.from([1, 2, 3])],
    ['a time', new Date(1_700_000_000_123)],
    ['a list with gaps', [null, 'a', null]],
    ['nested things', { a: [1, { b: 'c' }], d: {} }],
  ])('is read by another implementation as it was written: %s', (_, value) => {
    expect(wire({ body: new AmqpBodyValue(value) }).body ?? null).toEqual(value)
  })

  test('keeps the type it was given', () => {
    const typed = [
      ubyte(7),
      ulong(2n ** 40n),
      long(-5),
      timestamp(1_700_000_000_000),
      symbol('s'),
      uuid(Buffer.alloc(16, 1)),
    ]
    const bytes = encodeAmqpMessage({ body: new AmqpBodyValue(typed) })
    const codes = [0x50, 0x80, 0x81, 0x83, 0xa3, 0x98]
    let at = bytes.indexOf(0xd0) + 9
    for (const code of codes) {
      expect(bytes[at]).toBe(code)
      at += code === 0x50 ? 2 : code === 0xa3 ? 3 : code === 0x98 ? 17 : 9
    }
    expect(wire({ body: new AmqpBodyValue(typed) }).body).toEqual([
      7,
      2 ** 40,
      -5,
      new Date(1_700_000_000_000),
      's',
      Buffer.alloc(16, 1),
    ])
  })
})

describe('telemetry', () => {
  const telemetry = messages({
    ...common,
    interfaceId: text,
    outputName: text,
    diagnosticId: text,
    diagnosticContext: text,
  })

  test('arrives as it was sent', () => {
    fc.assert(
      fc.property(telemetry, message => {
        expect(telemetryFromAmqp(wire(telemetryToAmqp(message)))).toEqual(message)
      }),
    )
  })

  test('of another implementation is understood', () => {
    const message = theirs(
      {
        message_id: rhea.types.wrap_uuid(uuidBytes('0f8fad5b-d9cb-469f-a165-70867728950e')),
        user_id: Buffer.from('me'),
        content_type: 'application/json',
        absolute_expiry_time: new Date('2030-01-01T00:00:00Z'),
        message_annotations: { 'dt-subject': 'thermostat', 'iothub-connection-device-id': 'forged' },
        application_properties: { 'iothub-outputname': 'out', level: 'high', n: 5, yes: true, none: null, odd: [1] },
      },
      Buffer.from('{}'),
    )
    expect(telemetryFromAmqp(message)).toEqual(
      createMessage({
        body: '{}',
        properties: { level: 'high', n: '5', yes: 'true', none: null, odd: null },
        system: {
          messageId: '0f8fad5b-d9cb-469f-a165-70867728950e',
          userId: 'me',
          contentType: 'application/json',
          expiryTime: '2030-01-01T00:00:00.000Z',
          outputName: 'out',
          component: 'thermostat',
        },
      }),
    )
  })

  test('may come in several data sections, as text, or empty', () => {
    const sections = rhea.message.encode({ body: rhea.message.data_sections([Buffer.from('a'), Buffer.from('b')]) })
    expect(telemetryFromAmqp(rhea.message.decode(sections) as AmqpMessage)).toMatchObject({ body: Buffer.from('ab') })
    expect(telemetryFromAmqp({ body: 'text' })).toMatchObject({ body: Buffer.from('text') })
    expect(telemetryFromAmqp({})).toMatchObject({ body: Buffer.alloc(0) })
  })

  test('with a body of another kind is refused', () => {
    for (const body of [
      { a: 1 },
      5,
      [1],
      rhea.message.decode(rhea.message.encode({ body: rhea.message.sequence_section([1]) })).body,
    ]) {
      expect(telemetryFromAmqp({ body })).toBeInstanceOf(Refusal)
    }
  })
})

describe('a delivery', () => {
  test('arrives as it was sent, with its stamps', () => {
    const deliveries = fc.record(
      {
        message: messages({
          ...common,
          connectionDeviceId: text,
          connectionModuleId: text,
          enqueuedTime: times,
          deliveryCount: fc.nat(255),
          sequenceNumber: fc.maxSafeNat(),
          lockToken: text,
        }),
        input: text,
      },
      { requiredKeys: ['message'] },
    )
    fc.assert(
      fc.property(deliveries, delivery => {
        expect(deliveryFromAmqp(wire(deliveryToAmqp(delivery)))).toEqual(delivery)
      }),
    )
  })
})

describe('a link address', () => {
  test('leads where it was made to lead, whichever characters the ids have', () => {
    const kinds = fc.constantFrom('events' as const, 'devicebound' as const, 'twin' as const, 'methods' as const)
    fc.assert(
      fc.property(kinds, identities, (kind, identity) => {
        expect(parseLinkAddress(formatLinkAddress(kind, identity))).toEqual({ kind, identity })
      }),
    )
  })

  test.each([
    ['/devices/d/messages/deviceBound', { kind: 'devicebound', identity: { deviceId: 'd' } }],
    [
      'amqps://hub.net/devices/D%23/modules/M/messages/events',
      { kind: 'events', identity: { deviceId: 'D#', moduleId: 'M' } },
    ],
    ['devices/d/methods/devicebound', { kind: 'methods', identity: { deviceId: 'd' } }],
    ['/DEVICES/d/Modules/%24edgeHub/twin', { kind: 'twin', identity: { deviceId: 'd', moduleId: '$edgeHub' } }],
    ['$cbs', { kind: 'cbs' }],
    ['/$cbs', { kind: 'cbs' }],
    ['/messages/serviceBound/feedback', { kind: 'feedback' }],
  ])('%s', (address, expected) => {
    expect(parseLinkAddress(address)).toEqual(expected)
  })

  test.each([
    ['', 0],
    ['/devices//twin', 1],
    ['/devices/d/other', 1],
    ['/devices/d/modules/twin', 1],
    ['/devices/%zz/twin', 1],
    [`/devices/${'d'.repeat(3_000)}/twin`, 2_048],
  ])('%s is refused at %i', (address, offset) => {
    expect(parseLinkAddress(address)).toMatchObject({ reason: expect.any(String), offset })
  })
})

describe('a batch', () => {
  test('gives back what was put in', () => {
    fc.assert(
      fc.property(fc.array(bodies), batch => {
        expect(decodeAmqpBatch(encodeAmqpBatch(batch))).toEqual(batch)
      }),
    )
  })

  test('of another implementation is understood, annotations and all', () => {
    const parts = [Buffer.from('one'), Buffer.alloc(300, 2)]
    const batch = rhea.message.encode({
      message_annotations: { a: 1, b: 'text' },
      application_properties: { c: true },
      message_id: 'id',
      body: rhea.message.data_sections(parts),
    })
    expect(decodeAmqpBatch(batch)).toEqual(parts)
  })

  test('that is cut, or of another shape, is refused with the place', () => {
    const batch = encodeAmqpBatch([Buffer.from('one'), Buffer.from('two')])
    expect(decodeAmqpBatch(batch.subarray(0, -1))).toMatchObject({ offset: 11 })
    expect(decodeAmqpBatch(Buffer.from('nonsense'))).toMatchObject({ offset: 0 })
    expect(decodeAmqpBatch(rhea.message.encode({ body: 'text' }))).toEqual([])
    expect(decodeAmqpBatch(Buffer.alloc(AMQP_LIMITS.maxBatchSize + 1))).toBeInstanceOf(Refusal)
    fc.assert(
      fc.property(fc.uint8Array(), bytes => {
        decodeAmqpBatch(bytes)
      }),
    )
  })
})

describe('a token put to $cbs', () => {
  test.each(['id-1', Buffer.alloc(16, 7)])('is read, and answered under the id it came with', id => {
    const request = { id, token: 'SharedAccessSignature sr=a', audience: 'hub/devices/d', replyTo: 'replies' }
    expect(putTokenFromAmqp(wire(putTokenToAmqp(request)))).toEqual(request)
    const reply = { id, status: 401, description: 'no' }
    expect(putTokenReplyFromAmqp(wire(putTokenReplyToAmqp(reply)))).toEqual(reply)
  })

  test('is refused without its parts', () => {
    const good = wire(putTokenToAmqp({ id: '1', token: 't', audience: 'a' }))
    const properties = { operation: 'put-token', type: 'Azure-Devices.net:SASToken', name: 'a' }
    expect(putTokenFromAmqp({ ...good, application_properties: properties })).not.toBeInstanceOf(Refusal)
    for (const change of [
      { application_properties: undefined },
      { application_properties: { ...properties, type: 'other' } },
      { application_properties: { ...properties, operation: 'delete-token' } },
      { message_id: undefined },
      { body: Buffer.from('t') },
    ]) {
      expect(putTokenFromAmqp({ ...good, ...change })).toBeInstanceOf(Refusal)
    }
    expect(putTokenReplyFromAmqp({ application_properties: { 'status-code': 200 } })).toBeInstanceOf(Refusal)
    expect(putTokenReplyFromAmqp({ correlation_id: '1' })).toBeInstanceOf(Refusal)
  })
})

describe('twins and methods', () => {
  const body = Buffer.from('{"a":1}')

  test.each(['get', 'patch', 'subscribe', 'unsubscribe'] as const)('a twin request to %s', operation => {
    expect(twinRequestFromAmqp(wire(twinRequestToAmqp({ operation, id: 'Get1', body })))).toEqual({
      operation,
      id: 'Get1',
      body,
    })
  })

  test('a twin answer, and a change of desired properties', () => {
    const response = { kind: 'response' as const, id: Buffer.alloc(16, 3), status: 204, version: 3_000_000_000, body }
    expect(twinNoticeFromAmqp(wire(twinNoticeToAmqp(response)))).toEqual(response)
    const desired = { kind: 'desired' as const, version: 5, body }
    expect(twinNoticeFromAmqp(wire(twinNoticeToAmqp(desired)))).toEqual(desired)
    expect(
      twinNoticeFromAmqp({ correlation_id: 'x', message_annotations: { status: '200', version: '12' } }),
    ).toMatchObject({
      status: 200,
      version: 12,
    })
  })

  test('a method call and its answer', () => {
    const request = { id: uuidBytes('0f8fad5b-d9cb-469f-a165-70867728950e')!, name: 'restart', body }
    expect(methodRequestFromAmqp(wire(methodRequestToAmqp(request)))).toEqual(request)
    const response = { id: request.id, status: -7, body: Buffer.alloc(0) }
    expect(methodResponseFromAmqp(wire(methodResponseToAmqp(response)))).toEqual(response)
    expect(idText(request.id)).toBe('0f8fad5b-d9cb-469f-a165-70867728950e')
  })

  test('are refused without what they need', () => {
    expect(twinRequestFromAmqp({ correlation_id: '1', message_annotations: { operation: 'POST' } })).toBeInstanceOf(
      Refusal,
    )
    expect(twinRequestFromAmqp({ correlation_id: '1', message_annotations: { operation: 'PATCH' } })).toBeInstanceOf(
      Refusal,
    )
    expect(twinRequestFromAmqp({ message_annotations: { operation: 'GET' } })).toBeInstanceOf(Refusal)
    expect(twinNoticeFromAmqp({ correlation_id: '1' })).toBeInstanceOf(Refusal)
    expect(methodRequestFromAmqp({ correlation_id: '1' })).toBeInstanceOf(Refusal)
    expect(methodRequestFromAmqp({ application_properties: { 'IoThub-methodname': 'm' } })).toBeInstanceOf(Refusal)
    expect(
      methodResponseFromAmqp({ correlation_id: '1', application_properties: { 'IoThub-status': '' } }),
    ).toBeInstanceOf(Refusal)
  })
})

test('a condition tells whether to try again', () => {
  expect(conditionMeaning(AMQP_CONDITION.unauthorized)).toBe('unauthorized')
  expect(conditionMeaning(AMQP_CONDITION.throttled)).toBe('throttled')
  expect(conditionMeaning(AMQP_CONDITION.messageSizeExceeded)).toBe('permanent')
  expect(conditionMeaning('something:new')).toBe('transient')
  expect(conditionMeaning(undefined)).toBe('transient')
})
