// npm test [-- ARGUMENTS of vitest]: installs, builds, runs all tests and says what was left out.
import { main, prepare, runTool } from './prepare.mjs'

await main(args => {
  prepare()
  const types = runTool('typescript/bin/tsc', ['-p', 'tsconfig.test.json'])
  if (types !== 0) return types
  return runTool('vitest/vitest.mjs', [
    'run',
    '--reporter=default',
    '--reporter=./scripts/left-out-reporter.mjs',
    ...args,
  ])
})
