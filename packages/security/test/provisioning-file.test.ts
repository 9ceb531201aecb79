import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KeyServiceSigner, readProvisioningFile } from '../src/index.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewright-provisioning-file-'))
  const files = { key: 'a2V5\n', connection: 'HostName=h;DeviceId=d;SharedAccessKey=a2V5\n', 'own.key': 'private' }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o600 })
  await writeFile(join(folder, 'own.pem'), 'certificate')
  await writeFile(join(folder, 'exposed'), 'a2V5')
  await chmod(join(folder, 'exposed'), 0o644)
})
afterAll(() => rm(folder, { recursive: true }))

let written = 0

async function read(content: unknown): Promise<unknown> {
  const path = join(folder, `${written++}.json`)
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
  return await readProvisioningFile(path)
}

const device = { hubHostName: 'hub.example', deviceId: 'press-7' }
const certificate = { certificateFile: 'own.pem', privateKeyFile: 'own.key' }
const dps = { kind: 'dps', idScope: '0ne1', registrationId: 'press-7' }

describe('a provisioning file', () => {
  it.each<[string, unknown, unknown]>([
    [
      'a connection string',
      { kind: 'connectionString', connectionStringFile: 'connection' },
      { kind: 'connectionString', connectionString: 'HostName=h;DeviceId=d;SharedAccessKey=a2V5' },
    ],
    [
      'a certificate',
      { kind: 'certificate', ...device, ...certificate },
      { kind: 'certificate', ...device, certificate: 'certificate', privateKey: 'private' },
    ],
    [
      'a key of a key service',
      { kind: 'keyService', ...device, socket: '/run/aziot/keyd.sock', keyId: 'device' },
      { kind: 'signer', ...device, keyId: 'device', signer: expect.any(KeyServiceSigner) },
    ],
    [
      'an enrollment with a key',
      {
        ...dps,
        host: 'dps.example',
        port: 8443,
        payload: { site: 7 },
        attestation: { kind: 'symmetricKey', keyFile: 'key' },
      },
      {
        ...dps,
        host: 'dps.example',
        port: 8443,
        payload: { site: 7 },
        attestation: { kind: 'symmetricKey', key: 'a2V5' },
      },
    ],
    [
      'a group with a key',
      { ...dps, attestation: { kind: 'groupKey', keyFile: 'key' } },
      { ...dps, attestation: { kind: 'groupKey', key: 'a2V5' } },
    ],
    [
      'an enrollment with a certificate',
      { kind: 'dps', idScope: '0ne1', attestation: { kind: 'certificate', ...certificate } },
      {
        kind: 'dps',
        idScope: '0ne1',
        attestation: { kind: 'certificate', certificate: 'certificate', privateKey: 'private' },
      },
    ],
    [
      'an enrollment with a key of a key service',
      { ...dps, attestation: { kind: 'keyService', socket: 'keys.sock', keyId: 'device' } },
      { ...dps, attestation: { kind: 'signer', signer: expect.any(KeyServiceSigner), keyId: 'device' } },
    ],
  ])('names %s', async (_case, content, source) => {
    expect(await read(content)).toEqual(source)
  })

  it.each<[string, unknown, string]>([
    ['no JSON', '{', '.json'],
    ['a list', [], 'the whole'],
    ['no kind', {}, 'kind'],
    ['another kind', { kind: 'tpm' }, 'kind'],
    ['no hub', { kind: 'certificate', deviceId: 'd', ...certificate }, 'hubHostName'],
    ['a number for a device', { kind: 'certificate', ...device, deviceId: 7, ...certificate }, 'deviceId'],
    ['no scope', { kind: 'dps', attestation: { kind: 'groupKey', keyFile: 'key' } }, 'idScope'],
    ['no attestation', dps, 'attestation'],
    ['no key file', { ...dps, attestation: { kind: 'groupKey' } }, 'attestation.keyFile'],
    [
      'a key file that is not there',
      { ...dps, attestation: { kind: 'groupKey', keyFile: 'nowhere' } },
      'attestation.keyFile',
    ],
    ['a key itself', { ...dps, attestation: { kind: 'groupKey', keyFile: 'key', key: 'a2V5' } }, 'attestation.key'],
    ['a port out of range', { ...dps, port: 70_000, attestation: { kind: 'groupKey', keyFile: 'key' } }, 'port'],
    ['a slip of the pen', { kind: 'connectionString', connectionStringFile: 'connection', hostname: 'x' }, 'hostname'],
    [
      'no certificate file',
      { kind: 'certificate', ...device, ...certificate, certificateFile: 'x' },
      'certificateFile',
    ],
  ])('with %s is refused, with the place', async (_case, content, place) => {
    const error = await read(content).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'PROVISIONING_FILE_INVALID', place: expect.stringContaining(place) })
  })

  it('is refused when others can read a key that it names', async () => {
    const exposed = { ...dps, attestation: { kind: 'groupKey', keyFile: 'exposed' } }
    await expect(read(exposed)).rejects.toMatchObject({ code: 'PRIVATE_FILE_EXPOSED', place: join(folder, 'exposed') })
  })

  it('that is not there is named', async () => {
    const nowhere = join(folder, 'nowhere.json')
    const invalid = { code: 'PROVISIONING_FILE_INVALID', place: nowhere }
    await expect(readProvisioningFile(nowhere)).rejects.toMatchObject(invalid)
  })
})
