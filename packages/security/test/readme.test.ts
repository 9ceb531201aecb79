import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'

it('runs what the README shows', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  expect(readme).toContain(await readFile(new URL('readme.ts', import.meta.url), 'utf8'))
  const { certificate, token } = await import('./readme.js')
  expect(new X509Certificate(certificate.chain).checkIP('127.0.0.1')).toBe('127.0.0.1')
  expect(token).toMatch(/^SharedAccessSignature sr=plant\.azure-devices\.net%2Fdevices%2Fpress-7&sig=/)
})
