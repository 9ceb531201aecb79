import { X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'

it('runs what the README shows', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  expect(readme).toContain(await readFile(new URL('readme.ts', import.meta.url), 'utf8'))
  const folder = await mkdtemp(join(tmpdir(), 'edgewright-readme-'))
  vi.stubEnv('DATA_DIR', folder)
  const { certificate, token } = await import('./readme.js')
  await rm(folder, { recursive: true })
  expect(new X509Certificate(certificate.chain).checkIP('127.0.0.1')).toBe('127.0.0.1')
  expect(token).toMatch(/^SharedAccessSignature sr=plant\.azure-devices\.net%2Fdevices%2Fpress-7&sig=/)
})
