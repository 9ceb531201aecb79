import { describe, expect, it } from 'vitest'
import { crash } from '../crash/crash.mjs'

describe('a hub that is killed at random moments under load', () => {
  it.each(['log', 'lmdb'] as const)(
    'delivers everything it acknowledged, in order per sender, on the %s store',
    { timeout: 120_000 },
    async store => {
      const seed = 20_261_123
      const result = await crash({ rounds: 20, seed, store })
      expect(result.acknowledged).toBeGreaterThan(1_000)
      expect(result).toMatchObject({ lost: 0, outOfOrder: 0 })
      expect(result.duplicated).toBeLessThanOrEqual(result.allowedDuplicates)
    },
  )
})
