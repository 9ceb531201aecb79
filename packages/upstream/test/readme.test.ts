import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { it } from 'vitest'

it('runs what the README and the page of the port show', async () => {
  const snippet = await readFile(new URL('readme.ts', import.meta.url), 'utf8')
  for (const page of ['../README.md', '../../../docs/ports/upstream.md']) {
    assert.ok((await readFile(new URL(page, import.meta.url), 'utf8')).includes(snippet), page)
  }
  const { outcomes, version, event } = await import('./readme.js')
  assert.deepEqual(outcomes, [{ kind: 'accepted' }])
  assert.ok(version > 1)
  assert.equal(event!.sender.deviceId, 'press-7')
})
