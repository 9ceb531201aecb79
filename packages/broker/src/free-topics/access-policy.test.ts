import { EdgewrightError } from '@edgewright/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AccessPolicy, type Authorization, type TopicClient } from './access-policy.js'
import { matchesTopic, parseFilter } from './topic-filter.js'

const press: TopicClient = { kind: 'identity', identity: { deviceId: 'press-7' } }
const filter: TopicClient = { kind: 'identity', identity: { deviceId: 'gateway', moduleId: 'filter' } }
const account = (name: string, clientId = 'c1'): TopicClient => ({ kind: 'account', name, clientId })

const AUTHORIZATIONS: readonly Authorization[] = [
  {
    accounts: ['{{mqtt:username}}'],
    allow: [
      { operations: ['mqtt:connect'] },
      { operations: ['mqtt:publish'], resources: ['machines/{{mqtt:username}}/{{mqtt:client_id}}/#'] },
      { operations: ['mqtt:subscribe'], resources: ['machines/#', 'state/+'] },
    ],
    deny: [{ operations: ['mqtt:subscribe'], resources: ['machines/+/secret'] }],
  },
  { accounts: ['mallory'], deny: [{ operations: ['mqtt:connect'] }] },
  {
    identities: ['{{iot:this_device_id}}/{{iot:module_id}}'],
    allow: [
      { operations: ['mqtt:connect'] },
      { operations: ['mqtt:publish', 'mqtt:subscribe'], resources: ['modules/{{iot:identity}}/#', 'all'] },
    ],
  },
  {
    identities: ['press-7'],
    allow: [{ operations: ['mqtt:publish'], resources: ['{{iot:device_id}}/{{mqtt:client_id}}', '#'] }],
    deny: [{ operations: ['mqtt:publish'], resources: ['{{iot:module_id}}/x'] }],
  },
]

describe('the access policy', () => {
  const policy = new AccessPolicy(AUTHORIZATIONS, 'gateway')

  test.each([
    [account('ann'), 'mayPublish', 'machines/ann/c1/state', true],
    [account('ann'), 'mayPublish', 'machines/ann/c1', true],
    [account('ann'), 'mayPublish', 'machines/ann/c2/state', false],
    [account('ann'), 'mayPublish', 'machines/bob/c1/state', false],
    [account('ann'), 'mayPublish', 'other', false],
    [account('ann'), 'maySubscribe', 'machines/ann/state', true],
    [account('ann'), 'maySubscribe', 'machines/+/state', true],
    [account('ann'), 'maySubscribe', 'state/1', true],
    [account('ann'), 'maySubscribe', 'state/#', false],
    [account('ann'), 'maySubscribe', '#', false],
    [account('ann'), 'maySubscribe', 'machines/a#', false],
    // What is denied may not come in by a wildcard either.
    [account('ann'), 'maySubscribe', 'machines/ann/secret', false],
    [account('ann'), 'maySubscribe', 'machines/#', false],
    [account('ann'), 'maySubscribe', 'machines/ann/+', false],
    [account('ann'), 'maySubscribe', 'machines/ann/secret/deeper', true],
    [account('ann'), 'mayReceive', 'machines/ann/state', true],
    [account('ann'), 'mayReceive', 'machines/ann/secret', false],
    [filter, 'mayPublish', 'modules/gateway/filter/x', true],
    [filter, 'mayPublish', 'modules/gateway/other/x', false],
    [filter, 'maySubscribe', 'modules/gateway/filter/#', true],
    [press, 'mayPublish', 'all', false],
  ] as const)('%o %s %s: %s', (client, operation, topic, expected) => {
    expect(policy.for(client)[operation](topic)).toBe(expected)
  })

  test.each([
    [account('ann'), true],
    [account('mallory'), false],
    [filter, true],
    [press, false],
    [{ kind: 'identity', identity: { deviceId: 'elsewhere', moduleId: 'filter' } } as const, false],
    // An account is not the identity of the same name.
    [account('gateway/filter'), true],
  ])('%o may connect: %s', (client, expected) => {
    expect(policy.for(client).mayConnect).toBe(expected)
  })

  test('denies everything when nobody allowed anything', () => {
    const access = new AccessPolicy([], 'gateway').for(account('ann'))
    expect([access.mayConnect, access.mayPublish('a'), access.maySubscribe('a')]).toEqual([false, false, false])
  })

  test('a denial that names what the client does not have holds for everything', () => {
    expect(policy.for(press).mayPublish('press-7/press-7')).toBe(false)
  })

  test.each(['#', '+', 'a/b', '', 'bob/c1', '\0'])('the client id %j widens nothing', clientId => {
    const access = policy.for(account('ann', clientId))
    for (const topic of ['machines/ann/c1/x', 'machines/bob/c1/x', `machines/ann/${clientId}/x`, 'machines/ann/x']) {
      expect(access.mayPublish(topic)).toBe(false)
    }
  })

  test("an account may not borrow another's name by a wildcard in its own", () => {
    expect(policy.for(account('#')).mayPublish('machines/bob/c1/x')).toBe(false)
    expect(policy.for(account('+')).mayPublish('machines/+/c1/x')).toBe(false)
  })

  test.each(['$iothub/twin/GET/', 'devices/press-7/messages/events/', '$SYS/x', 'devices/#'])(
    '%s is nobody’s, whatever is allowed',
    topic => {
      const everything = [{ operations: ['mqtt:publish', 'mqtt:subscribe'] as const, resources: ['#'] }]
      const access = new AccessPolicy([{ accounts: ['ann'], allow: everything }], 'gateway').for(account('ann'))
      expect(access.maySubscribe('#')).toBe(true)
      expect([access.mayPublish(topic), access.maySubscribe(topic), access.mayReceive(topic)]).toEqual([
        false,
        false,
        false,
      ])
    },
  )

  test.each([
    [{ allow: [{ operations: ['mqtt:connect'] }] }, 'authorizations[0]'],
    [{ accounts: ['a'] }, 'authorizations[0]'],
    [{ accounts: ['{{who}}'], allow: [{ operations: ['mqtt:connect'] }] }, 'authorizations[0].accounts[0]'],
    [{ accounts: ['a'], allow: [{ operations: [] }] }, 'authorizations[0].allow[0]'],
    [{ accounts: ['a'], allow: [{ operations: ['mqtt:fly'] }] }, 'authorizations[0].allow[0]'],
    [{ accounts: ['a'], deny: [{ operations: ['mqtt:publish'] }] }, 'authorizations[0].deny[0]'],
    [
      { accounts: ['a'], allow: [{ operations: ['mqtt:publish'], resources: ['a', 'b#'] }] },
      'authorizations[0].allow[0].resources[1]',
    ],
    [
      { accounts: ['a'], allow: [{ operations: ['mqtt:publish'], resources: ['devices/#'] }] },
      'authorizations[0].allow[0].resources[0]',
    ],
    [
      { accounts: ['a'], allow: [{ operations: ['mqtt:publish'], resources: ['{{x}}'] }] },
      'authorizations[0].allow[0].resources[0]',
    ],
  ])('%j is refused at its place', (authorization, place) => {
    let thrown: unknown
    try {
      new AccessPolicy([authorization as Authorization], 'gateway')
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(EdgewrightError)
    expect(thrown).toMatchObject({ code: 'TOPIC_POLICY', place })
  })
})

const level = fc.constantFrom('a', 'b', '+', '{{mqtt:client_id}}')
const resource = fc
  .tuple(fc.array(level, { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([levels, isOpen]) => [...levels, ...(isOpen ? ['#'] : [])].join('/'))
const statement = fc.record({
  operations: fc.constant(['mqtt:publish', 'mqtt:subscribe'] as const),
  resources: fc.array(resource, { minLength: 1, maxLength: 2 }),
})
const authorizations = fc.array(
  fc.record({
    accounts: fc.constantFrom(['ann'], ['bob'], ['{{mqtt:username}}']),
    allow: fc.array(statement, { minLength: 1, maxLength: 2 }),
    deny: fc.array(statement, { maxLength: 2 }),
  }),
  { maxLength: 3 },
)
const topic = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 }).map(levels => levels.join('/'))
const clientId = fc.constantFrom('a', 'b', '#', '+', 'a/b')

test('a granted filter matches nothing that the client may not receive', () => {
  fc.assert(
    fc.property(authorizations, resource, topic, clientId, (rules, wanted, published, id) => {
      const access = new AccessPolicy(rules, 'gateway').for(account('ann', id))
      if (!access.maySubscribe(wanted) || !matchesTopic(parseFilter(wanted)!, published)) return
      expect(access.mayReceive(published)).toBe(true)
    }),
    { numRuns: 1_000 },
  )
})

test('a further authorization that denies something never allows anything', () => {
  fc.assert(
    fc.property(
      authorizations,
      fc.array(statement, { minLength: 1, maxLength: 2 }),
      topic,
      clientId,
      (rules, deny, published, id) => {
        const before = new AccessPolicy(rules, 'gateway').for(account('ann', id))
        const after = new AccessPolicy([...rules, { accounts: ['ann'], deny }], 'gateway').for(account('ann', id))
        expect(after.mayPublish(published) && !before.mayPublish(published)).toBe(false)
        expect(after.maySubscribe(published) && !before.maySubscribe(published)).toBe(false)
      },
    ),
    { numRuns: 1_000 },
  )
})

test('what a statement says stands however the authorizations are ordered', () => {
  fc.assert(
    fc.property(authorizations, topic, clientId, (rules, published, id) => {
      const one = new AccessPolicy(rules, 'gateway').for(account('ann', id))
      const other = new AccessPolicy([...rules].reverse(), 'gateway').for(account('ann', id))
      expect(one.mayPublish(published)).toBe(other.mayPublish(published))
      expect(one.maySubscribe(published)).toBe(other.maySubscribe(published))
    }),
  )
})
