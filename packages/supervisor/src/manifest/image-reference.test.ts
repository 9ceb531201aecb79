import { describe, expect, it } from 'vitest'
import { formatImageReference, parseImageReference } from './image-reference.js'

const digest = `sha256:${'0f'.repeat(32)}`

describe('parseImageReference', () => {
  it.each([
    ['app', { repository: 'app', tag: 'latest' }],
    ['repo/app', { repository: 'repo/app', tag: 'latest' }],
    [' repo/app:1.2 ', { repository: 'repo/app', tag: '1.2' }],
    ['host:5000/app', { registry: 'host:5000', repository: 'app', tag: 'latest' }],
    ['localhost/app:1', { registry: 'localhost', repository: 'app', tag: '1' }],
    ['registry.plant/a/b_c/d-e:V1', { registry: 'registry.plant', repository: 'a/b_c/d-e', tag: 'V1' }],
    ['$upstream:443/app:1', { registry: '$upstream:443', repository: 'app', tag: '1' }],
    [`repo/app@${digest}`, { repository: 'repo/app', digest }],
    [`host:5000/app:1@${digest}`, { registry: 'host:5000', repository: 'app', tag: '1', digest }],
  ])('reads %j', (text, reference) => {
    expect(parseImageReference(text)).toEqual(reference)
    expect(parseImageReference(formatImageReference(parseImageReference(text)!))).toEqual(reference)
  })

  it.each([
    ...['', ' ', '/', 'app:', ':1', 'a//b', 'App', 'a b', 'app:1:2', 'app@sha256:12', `app@${digest}@${digest}`],
    ...['$upstream:/app', '$other.x/app', 'host:99999999/app', 'http://host/app', `app:${'t'.repeat(129)}`],
  ])('refuses %j', text => {
    expect(parseImageReference(text)).toBeUndefined()
  })
})
