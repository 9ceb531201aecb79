import { expect, test } from 'vitest'

interface Fuzzer {
  fuzz(options: { runs: number; seed: number }): Promise<{ runs: number; failure?: { input: unknown; error: unknown } }>
}

// The fuzzer runs what was built. All of it, by the million: npm run fuzz -- router --runs 1000000
test('random and mutated rules and messages cause nothing but documented errors', async () => {
  const { fuzz } = (await import(new URL('../fuzz/router.mjs', import.meta.url).href)) as Fuzzer
  expect(await fuzz({ runs: 1000, seed: 20_260_801 })).toEqual({ runs: 1000 })
})
