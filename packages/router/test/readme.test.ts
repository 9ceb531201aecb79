import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

test('what the README shows runs, and answers as it says', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  expect(readme).toContain(await readFile(new URL('readme.ts', import.meta.url), 'utf8'))
  const { destinations, problems } = await import('./readme.js')
  expect(destinations.map(({ route, priority }) => [route, priority])).toEqual([
    ['hot', 0],
    ['panel', 2_000_000_000],
  ])
  expect(readme).toContain(problems.trim())
})
