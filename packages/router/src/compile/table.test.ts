import { createMessage, DEFAULT_PRIORITY, type MessageSource } from '@edgewright/core'
import { expect, test } from 'vitest'
import { compileRoutes } from '../index.js'

const device: MessageSource = { kind: 'telemetry' }
const message = createMessage({})

function ofModule(moduleId: string, output?: string): MessageSource {
  return { kind: 'telemetry', moduleId, output }
}

test('a destination carries target, priority, time-to-live and the route that decided', () => {
  const { table } = compileRoutes({
    plain: 'FROM /messages/* INTO $upstream',
    ranked: { route: 'FROM /messages/* INTO BrokeredEndpoint("/modules/m/inputs/i")', priority: 3, timeToLiveSecs: 60 },
  })
  expect(table.match(message, device)).toEqual([
    { target: { kind: 'upstream' }, priority: DEFAULT_PRIORITY, timeToLiveSecs: 0, route: 'plain' },
    { target: { kind: 'input', moduleId: 'm', input: 'i' }, priority: 3, timeToLiveSecs: 60, route: 'ranked' },
  ])
})

test('an endpoint that several routes lead to gets one copy, on the terms of the smallest priority', () => {
  const { table } = compileRoutes({
    slow: { route: 'FROM /* INTO $upstream', priority: 5, timeToLiveSecs: 50 },
    fast: { route: "FROM /* WHERE alarm = 'yes' INTO $upstream", priority: 1, timeToLiveSecs: 10 },
    equal: { route: "FROM /* WHERE alarm = 'yes' INTO $upstream", priority: 1, timeToLiveSecs: 20 },
  })
  const alarm = createMessage({ properties: { alarm: 'yes' } })
  expect(table.match(message, device)).toMatchObject([{ route: 'slow', priority: 5, timeToLiveSecs: 50 }])
  expect(table.match(alarm, device)).toMatchObject([{ route: 'fast', priority: 1, timeToLiveSecs: 10 }])
})

test('of equal priorities the first route decides, with a condition or without', () => {
  const { table } = compileRoutes({
    first: { route: "FROM /* WHERE alarm = 'yes' INTO $upstream", priority: 1, timeToLiveSecs: 10 },
    second: { route: 'FROM /* INTO $upstream', priority: 1, timeToLiveSecs: 20 },
    other: 'FROM /* INTO BrokeredEndpoint("/modules/m/inputs/i")',
  })
  const routesOf = (properties: Record<string, string>) =>
    table.match(createMessage({ properties }), device).map(({ route }) => route)
  expect(routesOf({ alarm: 'yes' })).toEqual(['first', 'other'])
  expect(routesOf({})).toEqual(['second', 'other'])
})

test('inputs are told apart by letter case, modules of sources are not', () => {
  const { table } = compileRoutes({
    a: 'FROM /messages/modules/M/* INTO BrokeredEndpoint("/modules/x/inputs/i")',
    b: 'FROM /messages/modules/m/* INTO BrokeredEndpoint("/modules/X/inputs/i")',
  })
  expect(table.match(message, ofModule('m'))).toHaveLength(2)
})

test('the same set of routes gives the same frozen array', () => {
  const { table } = compileRoutes({
    a: "FROM /messages/* WHERE kind = 'A' INTO $upstream",
    b: "FROM /messages/* WHERE temp = '1' INTO BrokeredEndpoint('/modules/m/inputs/i')",
  })
  const both = () => createMessage({ properties: { kind: 'A', temp: '1' } })
  const first = table.match(both(), device)
  expect(first).toHaveLength(2)
  expect(table.match(both(), ofModule('any'))).toBe(first)
  expect(Object.isFrozen(first)).toBe(true)
  expect(table.match(message, device)).toBe(table.match(message, ofModule('other')))
})

test('every source keeps its answer however many there are', () => {
  const { table } = compileRoutes({ odd: 'FROM /messages/modules/*/outputs/odd INTO $upstream' })
  for (let round = 0; round < 2; round++) {
    for (let index = 0; index < 10_000; index++) {
      const output = index % 2 === 0 ? 'even' : 'odd'
      expect(table.match(message, ofModule(`module${index}`, output)).length).toBe(index % 2)
    }
  }
})

test('names of properties match in any letter case, the spelling of the rule before others', () => {
  const { table } = compileRoutes({
    lower: "FROM /* WHERE temp = '1' INTO BrokeredEndpoint('/modules/lower/inputs/i')",
    upper: "FROM /* WHERE TEMP = '2' INTO BrokeredEndpoint('/modules/upper/inputs/i')",
  })
  const routesOf = (properties: Record<string, string>) =>
    table.match(createMessage({ properties }), device).map(destination => destination.route)
  expect(routesOf({ Temp: '1' })).toEqual(['lower'])
  expect(routesOf({ temp: '1', TEMP: '2' })).toEqual(['lower', 'upper'])
  expect(routesOf({ Temp: '2', tEMP: '1' })).toEqual(['upper'])
  expect(routesOf({ other: '1' })).toEqual([])
})

test('a condition sees nothing of the message before', () => {
  const { table } = compileRoutes({ hot: "FROM /* WHERE $body.x = 1 OR kind = 'A' INTO $upstream" })
  const system = { contentType: 'application/json' }
  expect(table.match(createMessage({ body: '{"x":1}', system }), device)).toHaveLength(1)
  expect(table.match(createMessage({ body: '{"x":2}', system }), device)).toHaveLength(0)
  expect(table.match(createMessage({ properties: { kind: 'A' } }), device)).toHaveLength(1)
  expect(table.match(createMessage({ properties: { KIND: 'A' } }), device)).toHaveLength(1)
  expect(table.match(message, device)).toHaveLength(0)
})

test('more outcomes than are kept still are right', () => {
  const rules = Object.fromEntries(
    Array.from({ length: 12 }, (_, bit) => [
      `r${bit}`,
      `FROM /* WHERE b${bit} = '1' INTO BrokeredEndpoint("/modules/m${bit}/inputs/i")`,
    ]),
  )
  const { table } = compileRoutes(rules)
  for (let mask = 0; mask < 4096; mask++) {
    const bits = Array.from({ length: 12 }, (_, bit) => bit).filter(bit => mask & (1 << bit))
    const properties = Object.fromEntries(bits.map(bit => [`b${bit}`, '1']))
    const routes = table.match(createMessage({ properties }), device).map(destination => destination.route)
    expect(routes).toEqual(bits.map(bit => `r${bit}`))
  }
})
