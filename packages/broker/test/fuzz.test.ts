import { describe, expect, test } from 'vitest'

interface Fuzzer {
  fuzz(options: { runs: number; seed: number }): Promise<{ runs: number; failure?: { input: unknown; error: unknown } }>
}

describe.each(['mqtt', 'topics', 'amqp'])('the %s fuzzer', name => {
  test('drives mutated streams into a live listener and breaks nothing', async () => {
    const { fuzz } = (await import(new URL(`../fuzz/${name}.mjs`, import.meta.url).href)) as Fuzzer
    const { runs, failure } = await fuzz({ runs: 150, seed: 20_261_123 })
    expect({ runs, failure }).toEqual({ runs: 150, failure: undefined })
  })
})
