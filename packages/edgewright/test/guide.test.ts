import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readProvisioningFile } from '../src/index.js'
import { startCloud } from './cloud.js'

const GUIDE = new URL('../../../docs/guides/provisioning.md', import.meta.url)
const SNIPPETS = new URL('guide/provisioning/', import.meta.url)
const ADDRESS = '127.9.8.7'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewright-guide-'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

describe('the guide on provisioning', async () => {
  const names = await readdir(SNIPPETS)

  it.each(names)('shows %s', async name => {
    const snippet = await readFile(new URL(name, SNIPPETS), 'utf8')
    expect(await readFile(GUIDE, 'utf8')).toContain(snippet.trimEnd())
  })

  it.each(names.filter(name => name.endsWith('.json')))('shows a file that is understood: %s', async name => {
    for (const file of ['connection-string', 'device.pem', 'device.key', 'device-key']) {
      await writeFile(join(folder, file), 'content', { mode: 0o600 })
    }
    await writeFile(join(folder, name), await readFile(new URL(name, SNIPPETS)))
    expect(await readProvisioningFile(join(folder, name))).toHaveProperty('kind')
  })

  it('shows how the key of a device is derived', async () => {
    const { derive } = await import('./guide/provisioning/derive.js')
    expect(derive('a2V5')).toBe(createHmac('sha256', 'key').update('press-7').digest('base64'))
  })

  it('shows a program that runs', async context => {
    context.skip(!(await canBind(443)), 'port 443 may not be bound by this user')
    await using cloud = await startCloud(ADDRESS)
    const { enrollments, idScope } = cloud.emulator.provisioning
    const { attestation } = enrollments.add({ registrationId: 'press-7', iotEdge: true })
    await writeFile(join(folder, 'device-key'), attestation.kind === 'symmetricKey' ? attestation.primaryKey : '', {
      mode: 0o600,
    })
    const file = JSON.parse(await readFile(new URL('dps-key.json', SNIPPETS), 'utf8'))
    await writeFile(join(folder, 'provisioning.json'), JSON.stringify({ ...file, idScope, host: ADDRESS }))
    vi.stubEnv('PROVISIONING_FILE', join(folder, 'provisioning.json'))
    vi.stubEnv('DATA_DIR', join(folder, 'data'))
    vi.stubEnv('CLOUD_CA', cloud.ca)
    const { gateway } = await import('./guide/provisioning/gateway.js')
    expect(gateway.deviceId).toBe('press-7')
    await gateway.stop()
  })
})

async function canBind(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, ADDRESS)
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}
