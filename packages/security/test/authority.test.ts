import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { type CertificateIssuer, type IssuedCertificate, type LogFields, memoryMeter } from '@edgewright/core'
import { virtualClock } from '@edgewright/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EdgeAuthority } from '../src/index.js'
import { operatorAuthority, operatorsOwn } from './operator-authority.js'

const DAY = 86_400_000
const server = { commonName: 'gateway', usage: 'server', validity: 30 * DAY } as const

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewright-authority-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** What a client sees that trusts the bundle and nothing else. */
async function handshake(issuer: CertificateIssuer, shown: IssuedCertificate, host: string, address = '127.0.0.1') {
  const listener = createServer({ cert: shown.chain, key: shown.privateKey })
  listener.listen(0, address)
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  const name = host === address ? {} : { servername: host }
  const socket: TLSSocket = connect({ host: address, port, ca: issuer.trustBundle, ...name })
  try {
    await once(socket, 'secureConnect')
    return { authorized: socket.authorized, protocol: socket.getProtocol() }
  } finally {
    socket.destroy()
    listener.close()
    await once(listener, 'close')
  }
}

describe('a development authority', () => {
  it('issues server certificates that clients accept by name and by address', async () => {
    const authority = await EdgeAuthority.forDevelopment({ folder: join(folder, 'handshake') })
    const shown = await authority.issue({
      ...server,
      dnsNames: ['press-7.local', '*.plant.local'],
      ipAddresses: ['127.0.0.1', '127.0.0.9', '::1'],
    })
    const accepted = { authorized: true, protocol: 'TLSv1.3' }
    expect(await handshake(authority, shown, '127.0.0.1')).toEqual(accepted)
    expect(await handshake(authority, shown, '127.0.0.9', '127.0.0.9')).toEqual(accepted)
    expect(await handshake(authority, shown, 'press-7.local')).toEqual(accepted)
    expect(await handshake(authority, shown, 'hub.plant.local')).toEqual(accepted)
    await expect(handshake(authority, shown, 'other.local')).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    })
    await expect(handshake(authority, shown, '127.0.0.3', '127.0.0.3')).rejects.toThrow()
  })

  it('is not trusted by clients of another one', async () => {
    const one = await EdgeAuthority.forDevelopment({ folder: join(folder, 'one') })
    const other = await EdgeAuthority.forDevelopment({ folder: join(folder, 'other') })
    const shown = await one.issue({ ...server, ipAddresses: ['127.0.0.1'] })
    await expect(handshake(other, shown, '127.0.0.1')).rejects.toThrow()
  })

  it('keeps its files to this user, says what they are, and is the same after a restart', async () => {
    const kept = join(folder, 'restart')
    const first = await EdgeAuthority.forDevelopment({ folder: kept })
    const files = (await readdir(kept)).sort()
    expect(files).toEqual(['development-only-edge-ca.cert.pem', 'development-only-edge-ca.key.pem'])
    for (const file of files) expect((await stat(join(kept, file))).mode & 0o777).toBe(0o600)
    const shown = await first.issue({ ...server, ipAddresses: ['127.0.0.1'] })
    const again = await EdgeAuthority.forDevelopment({ folder: kept })
    expect(again.trustBundle).toBe(first.trustBundle)
    expect((await handshake(again, shown, '127.0.0.1')).authorized).toBe(true)
  })

  it('warns on every start', async () => {
    const warnings: [string, LogFields | undefined][] = []
    const logger = {
      log: (level: string, text: string, fields?: LogFields) => level === 'warn' && warnings.push([text, fields]),
    }
    for (let start = 0; start < 2; start++) {
      const authority = await EdgeAuthority.forDevelopment({ folder: join(folder, 'warns') }, { logger })
      expect(authority.development).toBe(true)
    }
    expect(warnings).toHaveLength(2)
    expect(warnings[0]![0]).toContain('for development only')
  })

  it('is made whole when a crash left only its key', async () => {
    const kept = join(folder, 'crashed')
    await EdgeAuthority.forDevelopment({ folder: kept })
    await rm(join(kept, 'development-only-edge-ca.cert.pem'))
    const authority = await EdgeAuthority.forDevelopment({ folder: kept })
    await authority.issue({ ...server, dnsNames: ['press-7.local'] })
  })

  it('refuses files that were changed, swapped or opened to others', async () => {
    const kept = join(folder, 'tampered')
    const certificate = join(kept, 'development-only-edge-ca.cert.pem')
    const key = join(kept, 'development-only-edge-ca.key.pem')
    const open = () => EdgeAuthority.forDevelopment({ folder: kept })
    await open()
    const [goodCertificate, goodKey] = [await readFile(certificate, 'utf8'), await readFile(key, 'utf8')]
    await writeFile(certificate, goodCertificate.replace('MII', 'MIA'))
    await expect(open()).rejects.toMatchObject({ code: 'AUTHORITY_INVALID', place: certificate })
    await writeFile(certificate, '')
    await expect(open()).rejects.toMatchObject({ code: 'AUTHORITY_INVALID', place: certificate })
    await writeFile(certificate, goodCertificate)
    const foreign = join(folder, 'foreign')
    await EdgeAuthority.forDevelopment({ folder: foreign })
    await writeFile(key, await readFile(join(foreign, 'development-only-edge-ca.key.pem')))
    await expect(open()).rejects.toMatchObject({ code: 'AUTHORITY_INVALID', place: key })
    await writeFile(key, goodKey)
    await chmod(key, 0o644)
    await expect(open()).rejects.toMatchObject({ code: 'PRIVATE_FILE_EXPOSED', place: key })
    await chmod(key, 0o600)
    await open()
    await rm(key)
    await expect(open()).rejects.toMatchObject({ code: 'AUTHORITY_INVALID', place: key })
  })
})

describe('issuing', () => {
  it('never lasts longer than the authority, and ends with it', async () => {
    const clock = virtualClock({ start: Date.UTC(2030, 0, 1) })
    const options = { folder: join(folder, 'lifetime'), validity: 40 * DAY }
    await EdgeAuthority.forDevelopment(options, { clock })
    const authority = await operatorsOwn(options.folder, clock)
    const request = { ...server, dnsNames: ['press-7.local'] }
    expect((await authority.issue(request)).expiresAt).toBe(clock.now() + 30 * DAY)
    await clock.advance(20 * DAY)
    expect((await authority.issue(request)).expiresAt).toBe(authority.expiresAt)
    await clock.advance(20 * DAY)
    await expect(authority.issue(request)).rejects.toMatchObject({ code: 'AUTHORITY_EXPIRED' })
  })

  it('goes on under an authority for development that is renewed with the key it has, which is told', async () => {
    const clock = virtualClock({ start: Date.UTC(2030, 0, 1) })
    const log: string[] = []
    const logger = { log: (_: string, text: string, fields?: LogFields) => void log.push(`${text} ${fields?.expires}`) }
    const meter = memoryMeter()
    const options = { folder: join(folder, 'renewed'), validity: 99 * DAY }
    const authority = await EdgeAuthority.forDevelopment(options, { clock, logger, meter })
    const before = new X509Certificate(authority.trustBundle)
    const end = authority.expiresAt
    await clock.advance(79 * DAY)
    await authority.issue({ ...server, dnsNames: ['press-7.local'] })
    expect(authority.expiresAt).toBe(end)
    await clock.advance(1 * DAY)
    const request = { ...server, dnsNames: ['press-7.local'] }
    const issued = await Promise.all(Array.from({ length: 8 }, () => authority.issue(request)))
    expect(authority.expiresAt).toBe(clock.now() + 99 * DAY)
    expect(authority.status.state).toBe('valid')
    expect(log.filter(line => line.includes('renewed'))).toEqual([
      expect.stringContaining(new Date(authority.expiresAt).toISOString()),
    ])
    expect(meter.read()).toMatchObject([{ labels: { name: 'authority' }, value: authority.expiresAt / 1_000 }])
    const leaf = new X509Certificate(issued[0]!.chain)
    expect(leaf.checkIssued(before) && leaf.verify(before.publicKey)).toBe(true)
    const again = await EdgeAuthority.forDevelopment(options, { clock })
    expect(again.trustBundle).toBe(authority.trustBundle)
    const after = new X509Certificate(again.trustBundle)
    expect(after.raw.equals(before.raw)).toBe(false)
    expect([after.subject, after.validFrom]).toEqual([before.subject, before.validFrom])
  })

  it('survives a clock that woke up in 1970', async () => {
    const kept = join(folder, '1970')
    const made = await EdgeAuthority.forDevelopment(
      { folder: kept },
      { clock: virtualClock({ start: Date.UTC(2030, 0, 1) }) },
    )
    const authority = await EdgeAuthority.forDevelopment({ folder: kept }, { clock: virtualClock({ start: 0 }) })
    const { chain, expiresAt } = await authority.issue({ ...server, dnsNames: ['press-7.local'] })
    expect(authority.trustBundle).toBe(made.trustBundle)
    expect(new X509Certificate(chain).validFrom).toBe(new X509Certificate(made.trustBundle).validFrom)
    expect(expiresAt).toBeGreaterThan(Date.UTC(2030, 0, 1))
  })

  it('names a client exactly, for client authentication', async () => {
    const authority = await EdgeAuthority.forDevelopment({ folder: join(folder, 'client') })
    const commonName = `dev,1="*?!(),:=@$' #`
    const { chain } = await authority.issue({ commonName, usage: 'client', validity: DAY })
    const certificate = new X509Certificate(chain)
    expect(certificate.toLegacyObject().subject.CN).toBe(commonName)
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
    expect(certificate.ca).toBe(false)
  })

  it('refuses requests that no client would accept', async () => {
    const authority = await EdgeAuthority.forDevelopment({ folder: join(folder, 'requests') })
    const bad = [
      { ...server },
      { ...server, dnsNames: ['white space'] },
      { ...server, dnsNames: ['a..b'] },
      { ...server, dnsNames: ['x'.repeat(64)] },
      { ...server, ipAddresses: ['127.0.0.1:8883'] },
      { ...server, ipAddresses: ['press-7.local'] },
      { ...server, dnsNames: Array.from({ length: 101 }, (_, i) => `h${i}`) },
      { ...server, dnsNames: ['a'], commonName: '' },
      { ...server, dnsNames: ['a'], commonName: 'x'.repeat(65) },
      { ...server, dnsNames: ['a'], validity: 0 },
      { ...server, dnsNames: ['a'], validity: Number.NaN },
    ]
    for (const request of bad) {
      await expect(authority.issue(request)).rejects.toMatchObject({ code: 'CERTIFICATE_REQUEST_INVALID' })
    }
  })
})

describe("an operator's authority", () => {
  it.each([
    ['EC', 'ECDSA'],
    ['RSA', 'RSASSA-PKCS1-v1_5'],
  ])('under a root of its own signs with an %s key', async (kind, algorithm) => {
    const root = await operatorAuthority('Root', algorithm)
    const edge = await operatorAuthority('Edge', algorithm, root)
    const files = {
      certificateFile: join(folder, `${kind}.pem`),
      privateKeyFile: join(folder, `${kind}.key`),
      trustBundleFile: join(folder, `${kind}-trust.pem`),
    }
    const { certificateFile, privateKeyFile } = files
    await writeFile(certificateFile, `${edge.certificate}\n${root.certificate}\n`)
    await writeFile(privateKeyFile, edge.privateKey, { mode: 0o600 })
    await writeFile(files.trustBundleFile, `${root.certificate}\n`)
    const authority = await EdgeAuthority.fromFiles(files)
    expect(authority.development).toBe(false)
    expect(authority.trustBundle.match(/BEGIN/g)).toHaveLength(1)
    const shown = await authority.issue({ ...server, ipAddresses: ['127.0.0.1'] })
    expect(shown.chain.match(/BEGIN/g)).toHaveLength(2)
    expect((await handshake(authority, shown, '127.0.0.1')).authorized).toBe(true)

    const refused = (reason: string) => ({ code: 'AUTHORITY_INVALID', message: expect.stringContaining(reason) })
    await writeFile(certificateFile, `${root.certificate}\n${edge.certificate}\n`)
    await expect(EdgeAuthority.fromFiles(files)).rejects.toMatchObject(refused('does not belong'))
    await writeFile(privateKeyFile, root.privateKey)
    await expect(EdgeAuthority.fromFiles(files)).rejects.toMatchObject(refused('not issued by the next'))
  })

  it('must be an authority, with a key that can be read', async () => {
    const authority = await EdgeAuthority.forDevelopment({ folder: join(folder, 'leaf') })
    const leaf = await authority.issue({ ...server, dnsNames: ['press-7.local'] })
    const files = { certificateFile: join(folder, 'leaf.pem'), privateKeyFile: join(folder, 'leaf.key') }
    const refused = (reason: string) => ({ code: 'AUTHORITY_INVALID', message: expect.stringContaining(reason) })
    await expect(EdgeAuthority.fromFiles(files)).rejects.toMatchObject(refused('key is missing'))
    await writeFile(files.privateKeyFile, 'not a key', { mode: 0o600 })
    await expect(EdgeAuthority.fromFiles(files)).rejects.toMatchObject(refused('file cannot be read'))
    await writeFile(files.certificateFile, leaf.chain)
    await expect(EdgeAuthority.fromFiles(files)).rejects.toMatchObject(refused('key cannot be read'))
    await writeFile(files.privateKeyFile, leaf.privateKey)
    await expect(EdgeAuthority.fromFiles(files)).rejects.toMatchObject(refused('may not issue others'))
  })
})
