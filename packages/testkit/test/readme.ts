import { sleep } from '@edgewright/core'
import { memoryModuleHost, virtualClock } from '@edgewright/testkit'
import { runtimeConformance } from '@edgewright/testkit/runtime'

// A clock that only the test moves: an hour passes at once.
const clock = virtualClock()
const done = sleep(clock, 3_600_000).then(() => clock.monotonic())
await clock.advance(3_600_000)
export const elapsed = await done

// A hub in memory, for testing modules that run inside the program.
const host = memoryModuleHost()
export const settlement = await host.deliver('filter', 'readings', {
  body: Buffer.of(),
  properties: new Map(),
  system: {},
})

// The promises of a port, as tests: with vitest, jest, mocha or node:test.
export const suite = runtimeConformance
