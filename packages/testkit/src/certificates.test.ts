import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type TLSSocket } from 'node:tls'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { testCertificates } from './certificates.js'

describe('testCertificates', () => {
  test('makes a leaf that its authority signed, for the names asked for', () => {
    const { ca, cert } = testCertificates({ dnsNames: ['a.test', 'b.test'], ipAddresses: ['127.0.0.9'] })
    const leaf = new X509Certificate(cert)
    const authority = new X509Certificate(ca)
    expect(leaf.verify(authority.publicKey)).toBe(true)
    expect(leaf.checkIssued(authority)).toBe(true)
    expect(authority.ca).toBe(true)
    expect(leaf.ca).toBe(false)
    expect(leaf.checkHost('b.test')).toBe('b.test')
    expect(leaf.checkIP('127.0.0.9')).toBe('127.0.0.9')
    expect(leaf.subject).toBe('CN=a.test')
  })

  test('keeps the validity it was given, beyond 2050 too', () => {
    const notBefore = new Date('2030-01-02T03:04:05Z')
    const notAfter = new Date('2055-06-07T08:09:10Z')
    const leaf = new X509Certificate(testCertificates({ notBefore, notAfter }).cert)
    expect(new Date(leaf.validFrom)).toEqual(notBefore)
    expect(new Date(leaf.validTo)).toEqual(notAfter)
  })

  test('serves TLS to a client that trusts the authority', async () => {
    const { ca, cert, key } = testCertificates()
    const server = createServer({ cert, key }, socket => socket.end()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client: TLSSocket = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, ca })
    await once(client, 'secureConnect')
    expect(client.authorized).toBe(true)
    client.destroy()
    server.close()
  })

  test('refuses what is no IPv4 address', () => {
    expect(() => testCertificates({ ipAddresses: ['localhost'] })).toThrow(TypeError)
  })
})
