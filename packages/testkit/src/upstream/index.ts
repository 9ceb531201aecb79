import type { TestRunner } from '../runner.js'
import { commandTests } from './commands.js'
import { connectivityTests } from './connectivity.js'
import { methodTests } from './methods.js'
import { sessionTests } from './sessions.js'
import type { UpstreamFactory, UpstreamTests } from './subject.js'
import { telemetryTests } from './telemetry.js'
import { twinTests } from './twins.js'

export type { TestRunner } from '../runner.js'
export type { CloudUnderTest, UpstreamFactory, UpstreamUnderTest } from './subject.js'

const GROUPS: readonly UpstreamTests[] = [
  telemetryTests,
  connectivityTests,
  sessionTests,
  twinTests,
  methodTests,
  commandTests,
]

/**
 * Registers the tests that every upstream must pass, whatever cloud it leads to: the promises of the port `Upstream`,
 * one by one.
 *
 * @param runner - of vitest, jest, mocha or node:test
 * @param make - called once per test
 */
export function upstreamConformance(runner: TestRunner, make: UpstreamFactory): void {
  for (const group of GROUPS) group(runner, make)
}
