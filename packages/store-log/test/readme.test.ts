import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, it } from 'vitest'

/** What the snippets leave behind goes with it. */
const folder = await mkdtemp(join(tmpdir(), 'readme-'))
process.env.TMPDIR = folder
afterAll(() => rm(folder, { recursive: true }))

it('runs what the README shows', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  assert.ok(readme.includes(await readFile(new URL('readme.ts', import.meta.url), 'utf8')))
  const { entry, waiting } = await import('./readme.js')
  assert.equal(entry?.position, 0)
  assert.deepEqual(waiting, ['archive: 1'])
})

it('runs what the page on the port shows', async () => {
  const page = await readFile(new URL('../../../docs/ports/store.md', import.meta.url), 'utf8')
  assert.ok(page.includes(await readFile(new URL('port-page.ts', import.meta.url), 'utf8')))
  const { delivered, verification } = await import('./port-page.js')
  assert.deepEqual(delivered, ['21.5 °C'])
  assert.equal(verification.isIntact, true)
})
