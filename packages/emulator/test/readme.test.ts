import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

test('the README shows what runs', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  expect(readme).toContain(await readFile(new URL('readme.ts', import.meta.url), 'utf8'))
  const { event } = await import('./readme.js')
  expect(event).toMatchObject({ sender: { deviceId: 'press-7' } })
})
