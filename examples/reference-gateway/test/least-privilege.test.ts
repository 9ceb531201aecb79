import { once } from 'node:events'
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEmulator } from '@edgewright/emulator'
import { EdgeAuthority } from 'edgewright'
import { expect, it } from 'vitest'
import { type Event, Program } from './program.js'

const [LISTEN, CLOUD] = ['127.3.1.1', '127.3.1.2']
const PROGRAM = new URL('../dist/main.js', import.meta.url).pathname
/** Nobody, where the tests may change users; else whoever runs them, who is not root then. */
const USER = process.getuid?.() === 0 ? 65_534 : (process.getuid?.() ?? 0)

it('runs as a user without rights, provisioned by a file, and neither shows nor leaves open what is secret', {
  timeout: 60_000,
}, async context => {
  context.skip(!(await canBind(CLOUD, 443)), 'port 443 may not be bound by this user')
  const folder = await mkdtemp(join(tmpdir(), 'edgewright-privilege-'))
  const authority = await EdgeAuthority.forDevelopment({ folder: join(folder, 'cloud') })
  const { chain: cert, privateKey: key } = await authority.issue({
    ...{ commonName: CLOUD, ipAddresses: [CLOUD], usage: 'server', validity: 3_600_000 },
  })
  const emulator = createEmulator({ address: CLOUD, tls: { cert, key } })
  await emulator.start()
  const { attestation } = emulator.provisioning.enrollments.add({ registrationId: 'press-7', iotEdge: true })
  const deviceKey = attestation.kind === 'symmetricKey' ? attestation.primaryKey : ''
  await EdgeAuthority.forDevelopment({ folder: join(folder, 'plant'), commonName: 'Plant hall' })
  const ofPlant = (kind: string) => readFile(join(folder, 'plant', `development-only-edge-ca.${kind}.pem`), 'utf8')
  const own = join(folder, 'own')
  const dataDir = join(own, 'data')
  await mkdir(own)
  const files = {
    'provisioning.json': JSON.stringify({
      ...{ kind: 'dps', host: CLOUD, idScope: emulator.provisioning.idScope, registrationId: 'press-7' },
      attestation: { kind: 'symmetricKey', keyFile: 'device-key' },
    }),
    'device-key': `${deviceKey}\n`,
    'cloud.pem': authority.trustBundle,
    'plant.pem': await ofPlant('cert'),
    'plant.key': await ofPlant('key'),
  }
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(own, name), content, { mode: 0o600 })
    await chown(join(own, name), USER, USER)
  }
  await chown(own, USER, USER)
  await chmod(folder, 0o711)
  const env = {
    PATH: process.env.PATH,
    EDGEWRIGHT_PROVISIONING: join(own, 'provisioning.json'),
    EDGEWRIGHT_CLOUD_CA: join(own, 'cloud.pem'),
    EDGEWRIGHT_EDGE_CA: join(own, 'plant.pem'),
    EDGEWRIGHT_EDGE_CA_KEY: join(own, 'plant.key'),
  }
  const asUser = (...args: string[]) =>
    new Program([...args, '--data-dir', dataDir], [process.execPath, PROGRAM], { env, uid: USER, gid: USER })
  const programs = [asUser('--json', '--no-samples', '--listen', LISTEN)]
  try {
    const [gateway] = programs as [Program]
    await gateway.event(({ event }) => event === 'ready')
    await gateway.event(({ event, connectivity }) => event === 'status' && connectivity.type === 'online')
    const { certificates } = await gateway.event(({ event }) => event === 'status')
    expect(certificates.map(({ name, commonName }: Event) => [name, commonName])).toEqual([
      ['server', LISTEN],
      ['authority', 'Plant hall'],
    ])
    expect(gateway.stderr).not.toContain('for development only')
    expect((await readFile(join(dataDir, 'ca.pem'), 'utf8')).trim()).toBe(files['plant.pem'].trim())
    expect(await readFile(`/proc/${gateway.pid}/status`, 'utf8')).toMatch(
      new RegExp(`^Uid:\\t${USER}\\t${USER}\\t`, 'm'),
    )

    for (const question of ['certificates list', 'endpoints list', 'modules list', 'dead-letters list']) {
      const asked = asUser(...question.split(' '))
      expect([question, await asked.end()]).toEqual([question, 0])
      programs.push(asked)
    }
    expect(programs[1]!.notJson.join('\n')).toMatch(/^server {2}.* {2}valid {2}/m)
    const readable = ['ca.pem']
    for (const path of await readdir(dataDir, { recursive: true })) {
      const { mode, uid } = await stat(join(dataDir, path))
      expect([path, uid]).toEqual([path, USER])
      if (!readable.includes(path)) expect([path, mode & 0o077]).toEqual([path, 0])
    }
    await gateway.stop()
    const store = asUser('store', 'show')
    await store.end()
    programs.push(store)

    const hubKeys = emulator.registry.get({ deviceId: 'press-7', moduleId: '$edgeHub' }).authentication
    const secrets = [deviceKey, ...(hubKeys.type === 'symmetricKey' ? [hubKeys.primaryKey, hubKeys.secondaryKey] : [])]
    const said = programs.map(({ events, notJson, stderr }) => JSON.stringify(events) + notJson.join('\n') + stderr)
    for (const secret of secrets) expect(said.join('\n')).not.toContain(secret)
    expect(said.join('\n')).not.toMatch(/sig=[\w%+/]{20}|PRIVATE KEY/)
  } finally {
    for (const program of programs) await program.stop()
    await emulator.stop()
    await rm(folder, { recursive: true })
  }
})

async function canBind(address: string, port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, address)
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}
