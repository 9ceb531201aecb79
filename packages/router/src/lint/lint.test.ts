import { describe, expect, test } from 'vitest'
import { compileRoutes, type CompileOptions, type RouteWarning } from '../index.js'

function warningsOf(
  rules: string | Readonly<Record<string, string | { route: string; priority: number }>>,
  options: CompileOptions = {},
) {
  const { errors, warnings } = compileRoutes(typeof rules === 'string' ? { r: rules } : rules, options)
  expect(errors).toEqual([])
  return warnings
}

function lintCondition(condition: string, source = '/messages/*') {
  return warningsOf(`FROM ${source} WHERE ${condition} INTO $upstream`)
}

function codesOf(warnings: readonly RouteWarning[]) {
  return warnings.map(warning => warning.code)
}

test('a sound rule is not criticised', () => {
  const rules = {
    hot: "FROM /messages/modules/sensor/outputs/* WHERE as_number(temp) > 30 AND kind = 'A' OR $body.x > 5 INTO $upstream",
    all: { route: 'FROM /messages/* INTO BrokeredEndpoint("/modules/filter/inputs/in")', priority: 1 },
    some: { route: "FROM /messages/* WHERE a = 'b' INTO BrokeredEndpoint('/modules/filter/inputs/in')", priority: 0 },
    twins: "FROM /twinChangeNotifications WHERE $rpSenderDeviceId = 'leaf' INTO $upstream",
  }
  expect(warningsOf(rules, { modules: ['sensor', 'filter'] })).toEqual([])
})

test('a warning says where and marks the text', () => {
  expect(warningsOf('FROM /messages/events\nINTO $upstream')).toEqual([
    {
      code: 'unknown-source',
      route: 'r',
      line: 1,
      column: 6,
      span: { start: 5, end: 21 },
      message: 'no message comes from there',
      hint: 'Write /messages/* for all telemetry.',
      excerpt: 'FROM /messages/events\n     ^^^^^^^^^^^^^^^^',
    },
  ])
})

describe('sources and sinks', () => {
  test.each([
    ['/messages/events', 'Write /messages/* for all telemetry.'],
    [
      '/devices/d1/messages/*',
      "Write /messages/* and ask for the device in the condition: $connectionDeviceId = 'NAME'.",
    ],
    [
      '/messages/devices/d1',
      "Write /messages/* and ask for the device in the condition: $connectionDeviceId = 'NAME'.",
    ],
    [
      '/moduleLifecycleEvents',
      'Sources are /messages/*, /messages/modules/NAME/outputs/OUTPUT and /twinChangeNotifications.',
    ],
  ])('nothing comes from %s', (source, hint) => {
    expect(warningsOf(`FROM ${source} INTO $upstream`)).toMatchObject([{ code: 'unknown-source', hint }])
  })

  test('modules that the deployment lacks', () => {
    const rule = 'FROM /messages/modules/SENSOR/* INTO BrokeredEndpoint("/modules/fliter/inputs/in")'
    expect(warningsOf(rule, { modules: ['sensor', 'filter'] })).toMatchObject([
      { code: 'unknown-module', hint: 'Did you mean filter?' },
    ])
    expect(codesOf(warningsOf(rule, { modules: [] }))).toEqual(['unknown-module', 'unknown-module'])
    expect(warningsOf(rule)).toEqual([])
  })

  test('the path of an input in another spelling', () => {
    expect(warningsOf("FROM /* INTO BrokeredEndpoint('/module/m/input/i')")).toMatchObject([
      { code: 'unusual', hint: 'Write "/modules/m/inputs/i".' },
    ])
  })

  test('a star that the original takes as a letter', () => {
    const rule = 'FROM /messages/modules/*/outputs/o INTO $upstream'
    expect(codesOf(warningsOf(rule, { semantics: 'iotedge' }))).toEqual(['never-matches'])
    expect(warningsOf(rule)).toEqual([])
  })
})

describe('conditions', () => {
  test.each([
    'false',
    'null',
    '1 > 2',
    "kind = 'A' AND kind = 'B'",
    "kind = 'A' AND 'B' = KIND AND temp = '1'",
    '$body.x = 1 AND $body.x = 2',
    "kind = 'A' AND false",
    'NOT true',
    'false OR 1 = 2',
  ])('never true: %s', condition => {
    expect(codesOf(lintCondition(condition))).toEqual(['never-matches'])
  })

  test.each(["kind = 'A' OR kind = 'B'", 'true', '1 < 2', "$body.x = 'a' AND $body.X = 'b'", 'NOT false'])(
    'may be true: %s',
    condition => {
      expect(lintCondition(condition)).toEqual([])
    },
  )

  test.each([
    ['3 % 0 > as_number(x)', '3 % 0 is always undefined'],
    ["as_number('1,5') > as_number(x)", "as_number('1,5') is always undefined"],
    ["$connectionAuthMethod = 'x'", 'no message ever has connectionAuthMethod'],
    ["$rpSenderDeviceId = 'leaf'", 'only messages from /twinChangeNotifications have rpSenderDeviceId'],
  ])('always undefined: %s', (condition, message) => {
    const warnings = lintCondition(condition)
    expect(warnings).toMatchObject([{ code: 'always-undefined', message }, { code: 'never-matches' }])
  })

  test('a part that is always undefined need not spoil the whole', () => {
    expect(codesOf(lintCondition("$connectionAuthMethod = 'x' OR kind = 'A'"))).toEqual(['always-undefined'])
  })

  test.each([
    ["$conectionDeviceId = 'd'", 'Did you mean $connectionDeviceId?'],
    ["$iothub-connection-device-id = 'd'", 'Did you mean $connectionDeviceId?'],
    ["$content-type = 'd'", 'Did you mean $contentType?'],
    ["$somethingElseEntirely = 'd'", undefined],
  ])('no system property: %s', (condition, hint) => {
    expect(lintCondition(condition)).toMatchObject([{ code: 'unknown-property', ...(hint && { hint }) }])
  })

  test.each([
    ["temp > '30'", 'Did you mean as_number(temp) > 30?'],
    ["'30' <= temp", 'Did you mean as_number(temp) <= 30?'],
    ["$body.x > '30'", 'Write 30 without quotes.'],
  ])('text in the order of letters: %s', (condition, hint) => {
    expect(lintCondition(condition).slice(0, 1)).toMatchObject([{ code: 'text-order' }])
    if (!condition.startsWith("'")) expect(lintCondition(condition)).toMatchObject([{ hint }])
  })

  test.each([
    ['is_number(temp) OR true', 'Did you mean is_defined(as_number(temp))?'],
    ["contentType = 'x'", 'Write $contentType for the system property.'],
  ])('probably a slip: %s', (condition, hint) => {
    expect(lintCondition(condition)).toMatchObject([{ code: 'unusual', hint }])
  })
})

describe('routes that others make superfluous', () => {
  test('the same twice', () => {
    const rules = {
      a: "FROM /messages/* WHERE x = 'y' INTO $upstream",
      b: 'FROM /MESSAGES WHERE (x = "y") INTO $Upstream',
    }
    expect(warningsOf(rules)).toMatchObject([
      { code: 'duplicate', route: 'b', message: 'a takes the same messages to the same place; a decides' },
    ])
  })

  test('one that another always decides for', () => {
    const rules = {
      narrow: { route: "FROM /messages/modules/m/* WHERE x = 'y' INTO $upstream", priority: 5 },
      wide: { route: 'FROM /messages/modules/*/outputs/* INTO $upstream', priority: 1 },
      all: { route: 'FROM /messages/* INTO $upstream', priority: 3 },
    }
    expect(warningsOf(rules)).toMatchObject([
      {
        code: 'shadowed',
        route: 'narrow',
        message: 'all takes all these messages to the same place with a smaller priority',
      },
    ])
  })

  test('one that adds nothing', () => {
    const rules = { all: 'FROM /* INTO $upstream', some: "FROM /messages WHERE x = 'y' INTO $upstream" }
    expect(warningsOf(rules)).toMatchObject([{ code: 'shadowed', route: 'some' }])
  })

  test('a smaller priority makes the narrower route matter', () => {
    const rules = {
      all: { route: 'FROM /* INTO $upstream', priority: 5 },
      alarms: { route: "FROM /* WHERE x = 'y' INTO $upstream", priority: 0 },
    }
    expect(warningsOf(rules)).toEqual([])
  })
})

describe('compared to IoT Edge', () => {
  function differences(rule: string) {
    return warningsOf(rule, { comparedToIotEdge: true }).map(({ code, message }) => {
      expect(code).toBe('differs-from-iotedge')
      return message
    })
  }

  test.each([
    ["FROM /messages WHERE kind = 'A' AND as_number(temp) > 5 INTO $upstream", [/drops them anywhere/]],
    ["FROM /messages WHERE kind = 'A' AND $messageId = 'x' INTO $upstream", []],
    ["FROM /messages WHERE a!='b' INTO $upstream", [/reads this as \{"a!"\} = 'b'/]],
    ["FROM /messages WHERE a = 'b' AND $body.f INTO $upstream", [/refuses this: AND cannot take a body value/]],
    ['FROM /messages/modules/123/* INTO $upstream', [/refuses this/]],
    ["FROM /messages/* WHERE a = '*/' INTO $upstream", [/refuses this/]],
    ['FROM /messages/modules/*/outputs/o INTO $upstream', [/a star inside a source is a letter/]],
    ["FROM /messages WHERE $correlationId = 'x' INTO $upstream", [/as \$cid only/]],
    ['FROM /messages WHERE $body.x > 5 INTO $upstream', [/orders by type/, /without content encoding/]],
    ['FROM /messages WHERE is_null($body.x) INTO $upstream', [/is_null is inverted/, /without content encoding/]],
    ['FROM /messages WHERE ($body.x ?? 5) = 5 INTO $upstream', [/orders by type/, /the other way/, /without content/]],
    ['FROM /messages WHERE $body.x OR true INTO $upstream', [/whatever the other side/, /without content encoding/]],
    ['FROM /messages INTO $upstream', []],
  ])('%s', (rule, expected) => {
    const found = differences(rule)
    expect(found).toHaveLength(expected.length)
    for (const [index, pattern] of expected.entries()) expect(found[index]).toMatch(pattern)
  })
})
