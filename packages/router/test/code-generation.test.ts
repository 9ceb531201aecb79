import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const run = promisify(execFile)

// A process of its own, because the engine decides at its start; it runs what was built.
test('works where code generation is switched off', async () => {
  const script = `
    import { createMessage } from '@edgewright/core'
    import { compileRoutes, explain } from '@edgewright/router'
    const { table } = compileRoutes({ r: "FROM /* WHERE as_number(temp) * 2 > 40 AND kind != 'B' OR $body.x = 1 INTO $upstream" })
    const message = createMessage({ properties: { temp: '21', kind: 'A' } })
    const source = { kind: 'telemetry' }
    let generated = 'code was generated'
    try { new Function('return 1') } catch { generated = 'no code was generated' }
    console.log(table.match(message, source).length, explain(table, message, source).routes[0].matched, generated)`
  const args = ['--disallow-code-generation-from-strings', '--input-type=module', '--eval', script]
  const { stdout } = await run(process.execPath, args, { cwd: new URL('..', import.meta.url) })
  expect(stdout.trim()).toBe('1 true no code was generated')
})
