// npm run check: what a commit must pass, in under a minute.
import * as directions from './directions.mjs'
import * as errors from './errors.mjs'
import { main, prepare, runTool } from './prepare.mjs'

await main(async () => {
  prepare()
  // It stands on what a new clone has only from here on.
  const packaging = await import('./packaging.mjs')
  const checks = [
    ['format and lint', () => tool('@biomejs/biome/bin/biome', ['check', '--error-on-warnings'])],
    ['types of the tests', () => tool('typescript/bin/tsc', ['-p', 'tsconfig.test.json'])],
    ['import directions', directions.run],
    ['error codes and their page', errors.run],
    ['packages as a stranger gets them', packaging.run],
  ]
  let failed = 0
  for (const [name, run] of checks) {
    const { ok, report } = await run()
    process.stdout.write(`${ok ? 'ok    ' : 'FAILED'}  ${name}\n`)
    if (!ok) process.stdout.write(`${report}\n`)
    if (!ok) failed++
  }
  return failed === 0 ? 0 : 1
})

function tool(file, args) {
  return { ok: runTool(file, args) === 0, report: '' }
}
