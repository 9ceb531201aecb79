import { describe, expect, it } from 'vitest'
import { ImageRules } from './image-rules.js'

const DIGEST = `sha256:${'a'.repeat(64)}`

const rules = new ImageRules({
  rules: [
    { from: 'registry.example/line-3/strict', pinned: true },
    { from: 'registry.example/line-3' },
    { from: 'mirror.example:5000' },
    { from: 'docker.io/library' },
  ],
})

describe('ImageRules', () => {
  it.each([
    ['registry.example/line-3/app:1', ''],
    ['REGISTRY.example/line-3/app:1', ''],
    ['mirror.example:5000/anything/at-all', ''],
    ['nginx:1', ''],
    ['docker.io/nginx:1', ''],
    [`registry.example/line-3/strict/app:1@${DIGEST}`, DIGEST],
  ])('let %s in', async (reference, digest) => {
    expect(await rules.verify(reference)).toMatchObject({ digest, evidence: expect.any(String) })
  })

  it.each([
    'registry.example/line-33/app:1',
    'registry.example/other:1',
    'registry.example.evil.example/line-3/app:1',
    'mirror.example/app:1',
    'someone/nginx:1',
    'registry.example/line-3/strict/app:1',
    'not an image',
  ])('refuse %s', async reference => {
    await expect(rules.verify(reference)).rejects.toMatchObject({ code: 'IMAGE_REFUSED', place: reference })
  })
})
