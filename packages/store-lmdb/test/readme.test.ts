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
  const { texts } = await import('./readme.js')
  assert.deepEqual(texts, ['one', 'two', 'three'])
})
