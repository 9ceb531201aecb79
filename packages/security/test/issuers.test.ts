import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { issuerConformance } from '@edgewright/testkit/security'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { EdgeAuthority } from '../src/index.js'
import { operatorAuthority } from './operator-authority.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewright-issuers-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('the development authority', () => {
  issuerConformance({ describe, it }, async () => ({ issuer: await EdgeAuthority.forDevelopment({ folder }) }))
})

describe.each([
  ['an EC', 'ECDSA'],
  ['an RSA', 'RSASSA-PKCS1-v1_5'],
])("an operator's authority with %s key", (_name, algorithm) => {
  const place = (name: string) => join(folder, `${algorithm}-${name}`)
  const files = { certificateFile: () => place('ca.pem'), privateKeyFile: () => place('key.pem') }
  beforeAll(async () => {
    const root = await operatorAuthority('Plant root', algorithm)
    const own = await operatorAuthority('Press hall', algorithm, root)
    await writeFile(files.certificateFile(), own.certificate + root.certificate)
    await writeFile(files.privateKeyFile(), own.privateKey, { mode: 0o600 })
  })

  issuerConformance({ describe, it }, async () => {
    const paths = { certificateFile: files.certificateFile(), privateKeyFile: files.privateKeyFile() }
    return { issuer: await EdgeAuthority.fromFiles(paths) }
  })
})
