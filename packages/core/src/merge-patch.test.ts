import { describe, expect, it } from 'vitest'
import type { JsonObject, JsonValue } from './json.js'
import { applyMergePatch, combineMergePatches, diffMergePatch } from './merge-patch.js'

const ROUNDS = 2_000

describe('merge patches', () => {
  it('have together the effect they have one after the other', () => {
    const random = numbers(1)
    for (let round = 0; round < ROUNDS; round++) {
      const base = withoutNulls(randomObject(random))
      const [first, second] = [randomObject(random), randomObject(random)]
      const together = applyMergePatch(base, combineMergePatches(first, second, base))
      expect(together, JSON.stringify({ base, first, second })).toEqual(
        applyMergePatch(applyMergePatch(base, first), second),
      )
    }
  })

  it('lead from one document to another', () => {
    const random = numbers(2)
    for (let round = 0; round < ROUNDS; round++) {
      const [from, to] = [withoutNulls(randomObject(random)), withoutNulls(randomObject(random))]
      expect(applyMergePatch(from, diffMergePatch(from, to))).toEqual(to)
    }
  })

  it('take names that objects have of their own accord for what they are', () => {
    const patch = JSON.parse('{"__proto__":{"x":1},"constructor":{"y":2}}') as JsonObject
    const merged = combineMergePatches({}, patch)
    expect(JSON.stringify(applyMergePatch({}, merged))).toBe(JSON.stringify(patch))
  })
})

/** A document of few names and little depth, so that two of them meet. */
function randomObject(random: () => number, depth = 0): JsonObject {
  const names = ['a', 'b', 'c'].filter(() => random() < 0.6)
  return Object.fromEntries(names.map(name => [name, randomValue(random, depth)]))
}

function randomValue(random: () => number, depth: number): JsonValue {
  const kind = random()
  if (kind < 0.25) return null
  if (kind < 0.75 && depth < 3) return randomObject(random, depth + 1)
  return Math.floor(random() * 3)
}

function withoutNulls(document: JsonObject): JsonObject {
  return applyMergePatch({}, document)
}

/** The same numbers from 0 to below 1 for the same seed. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
