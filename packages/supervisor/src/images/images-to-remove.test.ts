import { describe, expect, it } from 'vitest'
import { IMAGE_RETENTION_DEFAULTS, type ImageRetention, imagesToRemove } from './images-to-remove.js'

const DAY = 86_400_000
const NOW = 100 * DAY

const images = [
  { id: 'used', bytes: 10, isUsed: true },
  { id: 'wanted', bytes: 10, isUsed: false },
  { id: 'foreign', bytes: 10, isUsed: false },
  { id: 'fresh', bytes: 10, isUsed: false },
  { id: 'old', bytes: 10, isUsed: false },
]
const usedAt = new Map([
  ['used', NOW - 50 * DAY],
  ['wanted', NOW - 50 * DAY],
  ['fresh', NOW - DAY],
  ['old', NOW - 8 * DAY],
])

function removed(retention: ImageRetention): string[] {
  const situation = { images, wanted: new Set(['wanted']), usedAt, now: NOW }
  return imagesToRemove(situation, { ...IMAGE_RETENTION_DEFAULTS, ...retention }).map(({ id }) => id)
}

describe('imagesToRemove', () => {
  it.each<[string, ImageRetention, string[]]>([
    ['by age', {}, ['old']],
    ['not yet', { unusedFor: 30 * DAY }, []],
    ['by quota, those unused longest first', { unusedFor: 30 * DAY, quota: 30 }, ['old']],
    ['by quota, as far as it can', { unusedFor: 30 * DAY, quota: 5 }, ['old', 'fresh']],
  ])('takes %s', (_, retention, expected) => {
    expect(removed(retention)).toEqual(expected)
  })
})
