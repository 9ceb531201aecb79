import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'

it('runs what the README shows', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  expect(readme).toContain(await readFile(new URL('readme.ts', import.meta.url), 'utf8'))
  const { sent, status } = await import('./readme.js')
  expect(sent.map(({ message }) => String(message.body))[0]).toBe('{"celsius":21}')
  expect(status).toMatchObject([
    { name: 'sensor', state: 'running' },
    { name: 'shaky', state: 'backoff', reason: 'out of order' },
  ])
})

it('shows in the documentation of the port the test that is run', async () => {
  const page = await readFile(new URL('../../../docs/ports/module-runtime.md', import.meta.url), 'utf8')
  expect(page).toContain(await readFile(new URL('process-conformance.test.ts', import.meta.url), 'utf8'))
})
