import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'

it('runs what the README shows', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  expect(readme).toContain(await readFile(new URL('readme.ts', import.meta.url), 'utf8'))
  const { beats, message, refused } = await import('./readme.js')
  expect(beats).toEqual([{ name: 'heart_beats', labels: {}, kind: 'counter', value: 1 }])
  expect(message.properties.get('unit')).toBe('C')
  expect(refused).toBe(true)
})
