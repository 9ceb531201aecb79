import type { TestRunner } from '../runner.js'
import { atomicityTests } from './atomicity.js'
import { damageTests } from './damage.js'
import { crashTests, reopeningTests } from './durability.js'
import { limitTests } from './limits.js'
import { queueTests } from './queues.js'
import { quotaTests } from './quota.js'
import { randomTests } from './random.js'
import { removalTests } from './removal.js'
import { stateTests } from './states.js'
import type { StoreFactory, StoreTests } from './subject.js'
import { tableTests } from './tables.js'

export { seededRandom } from './fixture.js'
export { type KillOptions, type KillReport, killRounds, writeUntilKilled } from './kill.js'
export { randomChange, type StoreContents, StoreModel } from './model.js'
export type { TestRunner } from '../runner.js'
export type { StoreFactory, StoreSettings, StoreUnderTest } from './subject.js'

const GROUPS: readonly StoreTests[] = [
  queueTests,
  removalTests,
  tableTests,
  atomicityTests,
  limitTests,
  quotaTests,
  stateTests,
  reopeningTests,
  crashTests,
  randomTests,
  damageTests,
]

/**
 * Registers the tests that every `Store` must pass: everything its port promises.
 *
 * @param runner - the test framework's `describe` and `it`
 * @param make - makes fresh data for one test; tests may run at the same time
 */
export function storeConformance(runner: TestRunner, make: StoreFactory): void {
  for (const group of GROUPS) group(runner, make)
}
