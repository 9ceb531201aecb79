import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'

it('runs what the README shows', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  expect(readme).toContain(await readFile(new URL('readme.ts', import.meta.url), 'utf8'))
  const { elapsed, settlement, suite } = await import('./readme.js')
  expect(elapsed).toBe(3_600_000)
  expect(settlement).toBe('abandoned')
  const registered: string[] = []
  const describe = (name: string, body: () => void) => {
    registered.push(name)
    body()
  }
  suite(
    { describe, it: () => undefined },
    {
      create: () => expect.fail('only registered'),
      specification: (name, behaviour) => ({ name, type: behaviour, settings: {}, environment: {} }),
    },
  )
  expect(registered).toEqual(['a module', 'calls', 'logs'])
})
