import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

const GUIDE = new URL('../../../docs/guides/test-without-a-cloud.md', import.meta.url)

test.each(['module.ts', 'filter.test.ts'])('the guide shows test/guide/%s, which runs', async name => {
  const shown = await readFile(GUIDE, 'utf8')
  expect(shown).toContain((await readFile(new URL(`guide/${name}`, import.meta.url), 'utf8')).trimEnd())
})
