import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { covers, isFree, isTopicName, matchesTopic, overlaps, parseFilter } from './topic-filter.js'

/** Every topic of up to four levels out of two names and the empty one. */
const TOPICS = [1, 2, 3, 4].flatMap(depth => combinations(depth)).filter(topic => topic !== '')
const level = fc.constantFrom('a', 'b', '', '+')
// Not beginning with a slash: `/#` would match the empty topic, if that were one.
const filter = fc
  .tuple(fc.array(level, { maxLength: 3 }), fc.boolean())
  .map(([levels, isOpen]) => [...levels, ...(isOpen || levels.length === 0 ? ['#'] : [])].join('/'))
  .filter(text => text !== '' && !text.startsWith('/'))

describe('a topic filter', () => {
  test.each([
    ['sport/tennis/#', 'sport/tennis/player1/ranking', true],
    ['sport/tennis/#', 'sport/tennis', true],
    ['sport/tennis/#', 'sport/tennis2', false],
    ['#', 'sport', true],
    ['+', '/finance', false],
    ['+/+', '/finance', true],
    ['/+', '/finance', true],
    ['sport/+', 'sport', false],
    ['sport/+', 'sport/', true],
    ['sport/+/player1', 'sport/tennis/player1', true],
    ['sport/+', 'sport/tennis/player1', false],
  ])('%s and the topic %s: %s', (text, topic, expected) => {
    expect(matchesTopic(parseFilter(text)!, topic)).toBe(expected)
  })

  test.each(['', 'a#', 'a/#/b', '#/', 'a+', '+a/b', 'a/b+', '++', 'a\0b'])('%j is none', text => {
    expect(parseFilter(text)).toBeUndefined()
  })

  test.each(['', 'a/#', '+', 'a\0'])('%j is no topic to publish on', text => {
    expect(isTopicName(text)).toBe(false)
  })

  test.each([
    '$iothub/twin/GET/',
    '$SYS/broker',
    '$share/g/a',
    '$',
    'devices',
    'devices/d/messages/events/',
    'devices/#',
  ])('%s is never free', text => {
    expect(isFree(text)).toBe(false)
  })

  test.each(['devices2/a', 'a/devices', 'a/$iothub', '/devices', '#', '+/x'])('%s is free', text => {
    expect(isFree(text)).toBe(true)
  })
})

test('a filter covers another exactly when it matches all that the other matches', () => {
  fc.assert(
    fc.property(filter, filter, (wide, narrow) => {
      const matched = TOPICS.filter(topic => matches(narrow, topic))
      expect(covers(parseFilter(wide)!, parseFilter(narrow)!)).toBe(matched.every(topic => matches(wide, topic)))
    }),
    { numRuns: 1_000 },
  )
})

test('two filters overlap exactly when some topic is matched by both', () => {
  fc.assert(
    fc.property(filter, filter, (one, other) => {
      const both = TOPICS.some(topic => matches(one, topic) && matches(other, topic))
      expect(overlaps(parseFilter(one)!, parseFilter(other)!)).toBe(both)
    }),
    { numRuns: 1_000 },
  )
})

/** The specification's sentences as a regular expression, to compare with. */
function matches(text: string, topic: string): boolean {
  const pattern = text
    .split('/')
    .map(part => (part === '+' ? '[^/]*' : part))
    .join('/')
    .replace(/^#$/, '.*')
    .replace(/\/#$/, '(/.*)?')
  return new RegExp(`^${pattern}$`).test(topic)
}

function combinations(depth: number): string[] {
  const names = ['a', 'b', '']
  if (depth === 1) return names
  return combinations(depth - 1).flatMap(rest => names.map(name => `${name}/${rest}`))
}
