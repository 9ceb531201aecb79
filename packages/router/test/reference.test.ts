import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { BUILTINS } from '../src/check/builtins.js'
import { SYSTEM_PROPERTIES } from '../src/check/system-properties.js'
import { ROUTE_LIMITS } from '../src/index.js'

const reference = readFileSync(new URL('../../../docs/reference/route-language.md', import.meta.url), 'utf8')

test.each([...BUILTINS.keys()])('the reference lists the function %s', name => {
  expect(reference).toContain(`\`${name}(`)
})

test.each(SYSTEM_PROPERTIES.map(({ name }) => name))('the reference lists the system property %s', name => {
  expect(reference).toContain(`\`$${name}\``)
})

test.each(Object.entries(ROUTE_LIMITS))('the reference gives the limit %s as %d', (name, limit) => {
  const [row] = reference.split('\n').filter(line => line.startsWith(`| \`${name}\`:`))
  expect(row).toContain(`| ${limit.toLocaleString('en')} |`)
})
