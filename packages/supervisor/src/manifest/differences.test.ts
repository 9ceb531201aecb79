import type { JsonObject } from '@edgewright/core'
import { describe, expect, it } from 'vitest'
import { formatCreateOptions } from './create-options.js'
import { differences } from './differences.js'

const make = (createOptions: JsonObject, environment: Record<string, string> = {}, image = 'a:1') => ({
  name: 'sensor',
  type: 'docker',
  settings: { image, createOptions },
  environment,
})

describe('differences', () => {
  it.each<[string, JsonObject, JsonObject]>([
    ['the order of members', { A: 1, B: { C: 1, D: 2 } }, { B: { D: 2, C: 1 }, A: 1 }],
    ['members that are null', { A: 1, B: null }, { A: 1 }],
    ['a label of tools', { Labels: { normalizedCreateOptions: '{}' } }, {}],
  ])('do not lie in %s', (_, a, b) => {
    expect(differences(make(a), make(b))).toEqual([])
  })

  it('are told in words, without values that may be secret', () => {
    const before = make({ Cmd: ['a', 'b'] }, { KEY: 's3cret', GONE: '1', SAME: '1' })
    const after = make({ Cmd: ['b', 'a'] }, { KEY: 'other', SAME: '1' }, 'a:2')
    expect(differences(before, after)).toEqual([
      'its image: a:1 became a:2',
      'its createOptions',
      'its environment variable KEY',
      'its environment variable GONE',
    ])
    expect(differences(before, { ...before, type: 'process' })).toEqual(['its type: docker became process'])
  })

  it('lie in empty objects, which mean something to the engine', () => {
    expect(differences(make({ ExposedPorts: { '80/tcp': {} } }), make({ ExposedPorts: {} }))).toEqual([
      'its createOptions',
    ])
  })
})

describe('formatCreateOptions', () => {
  it('cuts into parts of 512 characters', () => {
    expect(formatCreateOptions({})).toEqual({ createOptions: '{}' })
    const chunks = formatCreateOptions({ Hostname: 'x'.repeat(1_100) })
    expect(Object.keys(chunks)).toEqual(['createOptions', 'createOptions01', 'createOptions02'])
    expect(JSON.parse(Object.values(chunks).join(''))).toEqual({ Hostname: 'x'.repeat(1_100) })
    expect(Math.max(...Object.values(chunks).map(part => part.length))).toBe(512)
  })
})
