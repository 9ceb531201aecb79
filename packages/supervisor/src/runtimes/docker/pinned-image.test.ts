import { EdgewrightError } from '@edgewright/core'
import { describe, expect, it } from 'vitest'
import { pinnedImage } from './pinned-image.js'

const A = `sha256:${'a'.repeat(64)}`
const B = `sha256:${'b'.repeat(64)}`

const module = (settings: Record<string, unknown>) => ({ name: 'a', type: 'docker', settings, environment: {} })

describe('pinnedImage', () => {
  it.each<[string, Record<string, unknown>, string | undefined, string]>([
    ['the reference', { image: 'app:1' }, undefined, 'app:1'],
    ['its digest', { image: `app:1@${A}` }, undefined, `app@${A}`],
    ['the digest beside it', { image: 'app:1', digest: A }, undefined, `app@${A}`],
    ['what the verifier found', { image: 'registry.example/app:1' }, B, `registry.example/app@${B}`],
    ['the reference, when the verifier names nothing', { image: 'app:1' }, '', 'app:1'],
  ])('is %s', async (_, settings, digest, expected) => {
    const verifier = digest === undefined ? undefined : { verify: async () => ({ digest, evidence: '' }) }
    expect(await pinnedImage(module(settings), verifier, undefined)).toBe(expected)
  })

  it('shows the verifier what the deployment pins, and passes on its refusal', async () => {
    const verify = async (reference: string) => {
      throw new EdgewrightError('IMAGE_REFUSED', reference)
    }
    const image = pinnedImage(module({ image: 'app:1', digest: A }), { verify }, undefined)
    await expect(image).rejects.toMatchObject({ code: 'IMAGE_REFUSED', message: `app:1@${A}` })
  })
})
