import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { inspect } from 'node:util'
import {
  type CertificateIssuer,
  type CertificateRequest,
  EdgewrightError,
  type IssuedCertificate,
} from '@edgewright/core'
import type { TestRunner } from '../runner.js'

/** An issuer for one test. */
export interface IssuerUnderTest {
  readonly issuer: CertificateIssuer
  /** Milliseconds since 1970, as the issuer sees it. @default the machine's time */
  readonly now?: number
  /** Clears away what was made for the test. */
  dispose?(): Promise<void> | void
}

/** Makes an issuer for one test; it may be the same each time. */
export type IssuerFactory = () => IssuerUnderTest | Promise<IssuerUnderTest>

const HOUR = 3_600_000
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'
const SERVER: CertificateRequest = {
  commonName: 'press-7.local',
  dnsNames: ['press-7.local', '*.plant.local'],
  ipAddresses: ['127.0.0.1', '::1'],
  uris: ['azureiot://hub.local/devices/press-7'],
  usage: 'server',
  validity: 24 * HOUR,
}
const CLIENT: CertificateRequest = { commonName: 'press-7', usage: 'client', validity: HOUR }

/**
 * Registers the tests that every `CertificateIssuer` must pass.
 *
 * @param runner - the test framework's `describe` and `it`
 */
export function issuerConformance({ describe, it }: TestRunner, make: IssuerFactory): void {
  const withIssuer = (test: (subject: IssuerUnderTest) => Promise<void>) => async () => {
    const subject = await make()
    try {
      await test(subject)
    } finally {
      await subject.dispose?.()
    }
  }

  describe('an issuer', () => {
    it(
      'says in a certificate what was asked for, and no more',
      withIssuer(async ({ issuer }) => {
        const server = leafOf(await issuer.issue(SERVER))
        assert.match(server.subject, /^CN=press-7\.local$/m)
        const names = server.subjectAltName ?? ''
        for (const name of [
          'DNS:press-7.local',
          'DNS:*.plant.local',
          'IP Address:127.0.0.1',
          'IP Address:0:0:0:0:0:0:0:1',
        ])
          assert.ok(names.includes(name), `${name} in ${names}`)
        assert.ok(names.includes('URI:azureiot://hub.local/devices/press-7'))
        assert.deepEqual(server.keyUsage, [SERVER_AUTH])
        assert.equal(server.ca, false)
        const client = leafOf(await issuer.issue(CLIENT))
        assert.deepEqual(client.keyUsage, [CLIENT_AUTH])
        assert.equal(client.subjectAltName, undefined)
      }),
    )

    it(
      'gives a chain to what is to be trusted, without the root, and a key that fits it',
      withIssuer(async ({ issuer }) => {
        const issued = await issuer.issue(SERVER)
        const chain = certificatesOf(issued.chain)
        const trusted = certificatesOf(issuer.trustBundle)
        assert.ok(trusted.length > 0 && trusted.every(certificate => certificate.ca))
        for (const certificate of chain) {
          const by = [...chain, ...trusted].find(other => certificate.checkIssued(other))
          assert.ok(by !== undefined && certificate.verify(by.publicKey), `who issued ${certificate.subject}`)
          assert.ok(!certificate.checkIssued(certificate), 'no root in the chain')
        }
        assert.ok(chain[0]!.checkPrivateKey(createPrivateKey(issued.privateKey)))
        assert.match(issued.privateKey, /^-----BEGIN PRIVATE KEY-----/)
      }),
    )

    it(
      'lets a certificate last as long as was asked, or as the issuer itself, and says how long',
      withIssuer(async ({ issuer, now = Date.now() }) => {
        const ends = Math.min(...certificatesOf(issuer.trustBundle).map(({ validTo }) => Date.parse(validTo)))
        for (const validity of [HOUR, 24 * HOUR, 1_000_000 * HOUR]) {
          const issued = await issuer.issue({ ...SERVER, validity })
          const leaf = leafOf(issued)
          assert.equal(Date.parse(leaf.validTo), Math.floor(issued.expiresAt / 1000) * 1000)
          assert.ok(Date.parse(leaf.validFrom) <= now, 'valid at once')
          assert.ok(issued.expiresAt > now, 'valid for a while')
          assert.ok(issued.expiresAt <= now + validity + HOUR, 'no longer than asked')
          assert.ok(issued.expiresAt <= ends, 'no longer than what it hangs on')
        }
      }),
    )

    it(
      'makes each with a key and a number of its own, also many at the same time',
      withIssuer(async ({ issuer }) => {
        const issued = await Promise.all(Array.from({ length: 16 }, () => issuer.issue(CLIENT)))
        const distinct = (values: readonly string[]) => assert.equal(new Set(values).size, issued.length)
        distinct(issued.map(one => leafOf(one).serialNumber))
        distinct(issued.map(({ privateKey }) => privateKey))
      }),
    )

    it(
      'makes certificates that TLS takes, on both sides',
      withIssuer(async ({ issuer }) => {
        const [server, client] = await Promise.all([issuer.issue(SERVER), issuer.issue(CLIENT)])
        assert.equal(await commonNameSeen(issuer.trustBundle, server, client), 'press-7')
      }),
    )

    it(
      'refuses what makes no certificate, and keeps its key to itself',
      withIssuer(async ({ issuer }) => {
        const bad: readonly CertificateRequest[] = [
          { ...SERVER, dnsNames: ['not a name'] },
          { ...SERVER, ipAddresses: ['300.1.2.3'] },
          { ...SERVER, validity: 0 },
          { ...SERVER, validity: Number.NaN },
          { ...SERVER, commonName: '' },
          { ...SERVER, commonName: 'x'.repeat(10_000) },
        ]
        for (const request of bad) {
          const error = await issuer.issue(request).then(
            () => undefined,
            reason => reason,
          )
          assert.ok(EdgewrightError.is(error), inspect({ request, error }))
        }
        assert.ok(!inspect(issuer, { depth: 9, showHidden: true }).includes('PRIVATE KEY'))
      }),
    )

    it(
      'gives up when it is told to',
      withIssuer(async ({ issuer }) => {
        const reason = new Error('no longer wanted')
        await assert.rejects(issuer.issue(SERVER, AbortSignal.abort(reason)), error => error === reason)
      }),
    )
  })
}

function certificatesOf(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return blocks.map(block => new X509Certificate(block))
}

function leafOf({ chain }: IssuedCertificate): X509Certificate {
  return certificatesOf(chain)[0]!
}

/** Connects a client to a server that both trust one bundle only. @returns the name that the server sees */
async function commonNameSeen(ca: string, server: IssuedCertificate, client: IssuedCertificate): Promise<string> {
  const identity = ({ chain: cert, privateKey: key }: IssuedCertificate) => ({ ca, cert, key })
  const listener = createServer({ ...identity(server), requestCert: true, rejectUnauthorized: true })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  const socket = connect({ ...identity(client), host: '127.0.0.1', port, servername: 'press-7.local' })
  try {
    const [[peer]] = (await Promise.all([once(listener, 'secureConnection'), once(socket, 'secureConnect')])) as [
      [TLSSocket],
      unknown,
    ]
    return String(peer.getPeerCertificate().subject.CN)
  } finally {
    socket.destroy()
    listener.close()
  }
}
