import { randomChange, StoreModel } from './model.js'
import { running, seededRandom } from './fixture.js'
import type { StoreFactory, StoreTests } from './subject.js'

const SEEDS = [1, 2, 3, 4]
const CHANGES = 400

/** Changes at random, compared with the simplest thing that keeps the port's promises. */
export const randomTests: StoreTests = ({ describe, it }, make) => {
  describe('random changes', () => {
    for (const seed of SEEDS) it(`lead to what the model holds (seed ${seed})`, () => compare(make, seed))
  })
}

async function compare(make: StoreFactory, seed: number): Promise<void> {
  const random = seededRandom(seed)
  const model = new StoreModel()
  const subject = await make()
  try {
    for (let done = 0; done < CHANGES; ) {
      const store = subject.open()
      await running(store, async () => {
        const last = subject.keepsData ? Math.min(CHANGES, done + 20 + random() * 150) : CHANGES
        while (done < last) {
          const burst = Array.from({ length: Math.ceil(random() * 8) }, () => {
            const change = randomChange(random, model)
            model.apply(change)
            return store.write(change)
          })
          done += burst.length
          await Promise.all(burst)
          if (random() < 0.1) await model.assertHolds(store)
        }
        await model.assertHolds(store)
      })
    }
  } finally {
    await subject.dispose()
  }
}
