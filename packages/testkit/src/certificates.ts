import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { isIPv4 } from 'node:net'
import { bitString, element, integer, objectIdentifier, octetString, sequence, time, TRUE } from './der.js'

/** What {@link testCertificates} certifies. */
export interface TestCertificateOptions {
  /** DNS names of the server. @default ['localhost'] */
  readonly dnsNames?: readonly string[]
  /** IPv4 addresses of the server. @default ['127.0.0.1'] */
  readonly ipAddresses?: readonly string[]
  /** Common name of the leaf certificate. @default the first DNS name */
  readonly commonName?: string
  /** Beginning of both certificates. @default one hour ago */
  readonly notBefore?: Date
  /** End of both certificates. @default in one day */
  readonly notAfter?: Date
}

/** A throw-away authority and one certificate signed by it, PEM throughout. */
export interface TestCertificates {
  /** The authority: what a client must trust. */
  readonly ca: string
  /** The leaf, for servers and clients alike. */
  readonly cert: string
  /** The leaf's private key, PKCS #8. */
  readonly key: string
}

/**
 * Certificates for a test: a fresh P-256 authority and a leaf signed by it, made in about a millisecond.
 *
 * @throws TypeError for an address that is not IPv4
 */
export function testCertificates(options: TestCertificateOptions = {}): TestCertificates {
  const { dnsNames = ['localhost'], ipAddresses = ['127.0.0.1'] } = options
  const commonName = options.commonName ?? dnsNames[0] ?? ipAddresses[0] ?? 'leaf'
  const validity = sequence(
    time(options.notBefore ?? new Date(Date.now() - HOUR)),
    time(options.notAfter ?? new Date(Date.now() + DAY)),
  )
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const leaf = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const issuer = { name: distinguishedName('Edgewright test authority'), key: authority.privateKey, validity }
  return {
    ca: certificate(issuer, issuer.name, authority.publicKey, [
      extension(BASIC_CONSTRAINTS, sequence(TRUE), 'critical'),
      extension(KEY_USAGE, bitString(Buffer.from([0b0000_0110]), 1), 'critical'),
      extension(SUBJECT_KEY_ID, octetString(keyId(authority.publicKey))),
    ]),
    cert: certificate(issuer, distinguishedName(commonName), leaf.publicKey, [
      extension(BASIC_CONSTRAINTS, sequence(), 'critical'),
      extension(EXTENDED_KEY_USAGE, sequence(objectIdentifier(SERVER_AUTH), objectIdentifier(CLIENT_AUTH))),
      extension(AUTHORITY_KEY_ID, sequence(element(0x80, keyId(authority.publicKey)))),
      extension(SUBJECT_ALTERNATIVE_NAME, sequence(...dnsNames.map(dnsName), ...ipAddresses.map(ipAddress))),
    ]),
    key: leaf.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  }
}

const HOUR = 3_600_000
const DAY = 24 * HOUR

const COMMON_NAME = '2.5.4.3'
const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2'
const SUBJECT_KEY_ID = '2.5.29.14'
const KEY_USAGE = '2.5.29.15'
const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17'
const BASIC_CONSTRAINTS = '2.5.29.19'
const AUTHORITY_KEY_ID = '2.5.29.35'
const EXTENDED_KEY_USAGE = '2.5.29.37'
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'

interface Issuer {
  readonly name: Buffer
  readonly key: KeyObject
  readonly validity: Buffer
}

function certificate(issuer: Issuer, subject: Buffer, publicKey: KeyObject, extensions: readonly Buffer[]): string {
  const algorithm = sequence(objectIdentifier(ECDSA_WITH_SHA256))
  const version3 = element(0xa0, integer(Buffer.from([2])))
  const serial = integer(Buffer.concat([Buffer.from([1]), randomBytes(8)]))
  const toBeSigned = sequence(
    version3,
    serial,
    algorithm,
    issuer.name,
    issuer.validity,
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    element(0xa3, sequence(...extensions)),
  )
  return pem(sequence(toBeSigned, algorithm, bitString(sign('sha256', toBeSigned, issuer.key))))
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').replace(/.{64}/g, '$&\n').trimEnd()
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}

function distinguishedName(commonName: string): Buffer {
  const attribute = sequence(objectIdentifier(COMMON_NAME), element(0x0c, Buffer.from(commonName, 'utf8')))
  return sequence(element(0x31, attribute))
}

function extension(id: string, value: Buffer, critical?: 'critical'): Buffer {
  return sequence(objectIdentifier(id), ...(critical === undefined ? [] : [TRUE]), octetString(value))
}

function keyId(publicKey: KeyObject): Buffer {
  return createHash('sha1')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest()
}

function dnsName(name: string): Buffer {
  return element(0x82, Buffer.from(name, 'ascii'))
}

function ipAddress(address: string): Buffer {
  if (!isIPv4(address)) throw new TypeError(`Not an IPv4 address: ${address}`)
  return element(0x87, Buffer.from(address.split('.').map(Number)))
}
