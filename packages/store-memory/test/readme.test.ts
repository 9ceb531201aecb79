import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { it } from 'vitest'

it('runs what the README shows', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  assert.ok(readme.includes(await readFile(new URL('readme.ts', import.meta.url), 'utf8')))
  const { entry } = await import('./readme.js')
  assert.equal(Buffer.from(entry!.payload).toString(), 'hello')
})
