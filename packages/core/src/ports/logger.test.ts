import { describe, expect, it } from 'vitest'
import { lineLogger } from './logger.js'

function written(field: unknown): string {
  const lines: string[] = []
  lineLogger(line => lines.push(line)).log('info', 'seen', { field })
  return lines[0]!.replace(/^.* seen/, '')
}

describe('lineLogger', () => {
  const circle: Record<string, unknown> = { name: 'a' }
  circle.self = circle
  const shared = { b: 1 }

  it.each<[string, unknown, string]>([
    ['a word', 'word', ' field=word'],
    ['a text', 'two words', ' field="two words"'],
    ['nothing', undefined, ''],
    ['a big integer', 10n, ' field="\\"10\\""'],
    ['a big integer inside', { n: 10n }, ' field="{\\"n\\":\\"10\\"}"'],
    ['a circle', circle, ' field="{\\"name\\":\\"a\\",\\"self\\":\\"[circular]\\"}"'],
    ['one thing twice', [shared, shared], ' field="[{\\"b\\":1},{\\"b\\":1}]"'],
    ['an error', new Error('lost'), ' field=lost'],
    ['a symbol', Symbol('s'), ' field="Symbol(s)"'],
    [
      'a member that throws',
      Object.defineProperty({}, 'bad', { enumerable: true, get: () => fail() }),
      ' field="[unreadable]"',
    ],
    ['a form that throws', { toJSON: () => fail() }, ' field="[unreadable]"'],
    ['an object without a prototype', Object.create(null), ' field="{}"'],
  ])('writes %s', (_, value, text) => {
    expect(written(value)).toBe(text)
  })
})

function fail(): never {
  throw new Error('on purpose')
}
