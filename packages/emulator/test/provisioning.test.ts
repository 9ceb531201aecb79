import { createHmac } from 'node:crypto'
import { request } from 'node:https'
import { createSasToken, percentEncode } from '@edgewright/protocol'
import { testCertificates } from '@edgewright/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { EnrollmentAttestation } from '../src/index.js'
import { startEmulator, type TestEmulator } from './support/emulator.js'
import { call } from './support/http-client.js'

const API = '?api-version=2021-06-01'

let running: TestEmulator
let scope: string
beforeEach(async () => {
  running = await startEmulator()
  scope = running.emulator.provisioning.idScope
})
afterEach(() => running[Symbol.asyncDispose]())

/** What a test's token may differ in. */
interface TokenOptions {
  readonly key: string
  readonly id?: string
  readonly scope?: string
  readonly policy?: string | undefined
  readonly expiresAt?: number
}

function token({ key, id = 'press-7', policy = 'registration', ...rest }: TokenOptions): string {
  const { expiresAt = Date.now() + 3_600_000 } = rest
  const resource = percentEncode(`${rest.scope ?? scope}/registrations/${id}`)
  return createSasToken({ resource, expiresAt, key, policy: policy === '' ? undefined : policy })
}

function primaryKey(attestation: EnrollmentAttestation): string {
  if (attestation.kind !== 'symmetricKey') throw new Error('no key')
  return attestation.primaryKey
}

/** Registers, and gives the outcome of the operation. */
async function register(id: string, token: string) {
  const path = `/${scope}/registrations/${percentEncode(id)}`
  const begun = await call(running, 'PUT', `${path}/register${API}`, { token, body: { registrationId: id } })
  if (begun.status !== 202) return begun
  expect(begun.json).toEqual({ operationId: expect.any(String), status: 'assigning' })
  expect(begun.headers['retry-after']).toBe('1')
  return call(running, 'GET', `${path}/operations/${percentEncode(begun.json.operationId)}${API}`, { token })
}

describe('a device with a key', () => {
  it('is assigned to the hub, where it has the same key', async () => {
    const { provisioning, registry, hostName } = running.emulator
    const { attestation } = provisioning.enrollments.add({ registrationId: 'press-7', iotEdge: true })
    const outcome = await register('press-7', token({ key: primaryKey(attestation) }))
    expect(outcome).toMatchObject({
      status: 200,
      json: {
        status: 'assigned',
        registrationState: {
          ...{ registrationId: 'press-7', deviceId: 'press-7', assignedHub: hostName, status: 'assigned' },
          symmetricKey: {},
        },
      },
    })
    const device = registry.get({ deviceId: 'press-7' })
    expect(device).toMatchObject({ isEdgeDevice: true, authentication: { primaryKey: primaryKey(attestation) } })
    expect([...registry.modules('press-7')]).toHaveLength(2)
  })

  it('keeps its place in the hub when it registers again, with what the enrollment says now', async () => {
    const { provisioning, registry } = running.emulator
    const first = provisioning.enrollments.add({ registrationId: 'press-7', deviceId: 'press' })
    await register('press-7', token({ key: primaryKey(first.attestation) }))
    const { generationId } = registry.get({ deviceId: 'press' })
    const second = provisioning.enrollments.add({ registrationId: 'press-7', deviceId: 'press', iotEdge: true })
    await register('PRESS-7', token({ key: primaryKey(second.attestation) }))
    expect(registry.get({ deviceId: 'press' })).toMatchObject({
      generationId,
      isEdgeDevice: true,
      authentication: { primaryKey: primaryKey(second.attestation) },
    })
  })

  it('of a group has a key of its own, derived', async () => {
    const { provisioning, registry } = running.emulator
    const { attestation } = provisioning.enrollments.addGroup({ groupId: 'presses' })
    const group = Buffer.from(primaryKey(attestation), 'base64')
    const key = createHmac('sha256', group).update('press-7').digest('base64')
    const outcome = await register('press-7', token({ key }))
    expect(outcome.json.registrationState.symmetricKey).toEqual({ enrollmentGroupId: 'presses' })
    expect(registry.get({ deviceId: 'press-7' })).toMatchObject({ authentication: { primaryKey: key } })
    expect((await register('press-8', token({ key, id: 'press-8' }))).status).toBe(401)
    expect((await register('press-7', token({ key: primaryKey(attestation) }))).status).toBe(401)
  })

  it('is refused with anything but its own token', async () => {
    const { enrollments } = running.emulator.provisioning
    const enrollment = enrollments.add({ registrationId: 'press-7' })
    const key = primaryKey(enrollment.attestation)
    const refused = {
      status: 401,
      json: { errorCode: 401002, message: 'Unauthorized', trackingId: expect.any(String) },
    }
    const bad = [
      '',
      'Bearer x',
      token({ key: Buffer.from('another').toString('base64') }),
      token({ key, id: 'press-8' }),
      token({ key, id: 'press-7/more' }),
      token({ key, scope: '0ne11111111' }),
      token({ key, policy: '' }),
      token({ key, policy: 'iothubowner' }),
      token({ key, expiresAt: Date.now() - 600_000 }),
    ]
    for (const text of bad) expect(await register('press-7', text)).toMatchObject(refused)
    enrollments.setEnabled(enrollment, false)
    expect(await register('press-7', token({ key }))).toMatchObject(refused)
    enrollments.setEnabled(enrollment, true)
    expect(await register('press-7', token({ key }))).toMatchObject({ status: 200 })
    enrollments.remove(enrollment)
    expect(await register('press-7', token({ key }))).toMatchObject(refused)
  })
})

describe('a device with a certificate', () => {
  /** What the service says to who shows a chain in the handshake. */
  function registerWith(chain: string, key: string, id: string): Promise<number> {
    const { emulator, ca } = running
    const path = `/${scope}/registrations/${id}/register${API}`
    const target = { host: emulator.address, port: emulator.ports.https, servername: '', ca }
    return new Promise((resolve, reject) => {
      const outgoing = request({ ...target, cert: chain, key, method: 'PUT', path, agent: false }, response => {
        response.resume()
        resolve(response.statusCode ?? 0)
      })
      outgoing.on('error', reject)
      outgoing.end('{}')
    })
  }

  it('that is enrolled itself is known in the hub by its thumbprint', async () => {
    const { provisioning, registry } = running.emulator
    const { cert, key } = testCertificates({ commonName: 'press-7' })
    const other = testCertificates({ commonName: 'press-7' })
    provisioning.enrollments.add({ registrationId: 'press-7', attestation: { kind: 'certificate', certificate: cert } })
    expect(await registerWith(other.cert, other.key, 'press-7')).toBe(401)
    expect(await registerWith(cert, key, 'press-7')).toBe(202)
    expect(registry.get({ deviceId: 'press-7' }).authentication).toMatchObject({
      type: 'thumbprint',
      primary: expect.stringMatching(/^[0-9A-F]{64}$/),
    })
  })

  it('of an enrolled authority is known by its common name, and no other', async () => {
    const { provisioning } = running.emulator
    const { ca, cert, key } = testCertificates({ commonName: 'press-7' })
    const attestation = { kind: 'certificate', certificate: ca } as const
    provisioning.enrollments.addGroup({ groupId: 'presses', attestation })
    expect(await registerWith(cert + ca, key, 'press-7')).toBe(202)
    expect(await registerWith(cert, key, 'press-7')).toBe(202)
    expect(await registerWith(cert, key, 'press-8')).toBe(401)
    const stranger = testCertificates({ commonName: 'press-7' })
    expect(await registerWith(stranger.cert + stranger.ca, stranger.key, 'press-7')).toBe(401)
  })

  it('that has expired is refused', async () => {
    const { ca, cert, key } = testCertificates({
      commonName: 'press-7',
      notBefore: new Date(Date.now() - 7_200_000),
      notAfter: new Date(Date.now() - 3_600_000),
    })
    const attestation = { kind: 'certificate', certificate: ca } as const
    running.emulator.provisioning.enrollments.addGroup({ groupId: 'presses', attestation })
    expect(await registerWith(cert, key, 'press-7')).toBe(401)
  })
})

describe('what else is asked', () => {
  it('shows how a registration stands', async () => {
    const { attestation } = running.emulator.provisioning.enrollments.add({ registrationId: 'press-7' })
    const own = { token: token({ key: primaryKey(attestation) }) }
    const path = `/${scope}/registrations/press-7`
    expect((await call(running, 'POST', path + API, own)).json).toMatchObject({ errorCode: 404201 })
    await register('press-7', own.token)
    expect((await call(running, 'POST', path + API, own)).json).toMatchObject({ status: 'assigned' })
    expect((await call(running, 'GET', `${path}/operations/other${API}`, own)).json).toMatchObject({
      errorCode: 404202,
    })
    expect((await call(running, 'GET', path + API, own)).status).toBe(404)
    expect((await call(running, 'DELETE', `${path}/register${API}`, own)).status).toBe(404)
  })

  it('is left to the hub when it names another scope', async () => {
    const path = `/0ne11111111/registrations/press-7/register${API}`
    const answer = await call(running, 'PUT', path, { token: token({ key: 'a2V5', scope: '0ne11111111' }) })
    expect(answer.json.Message).toMatch(/^ErrorCode:/)
  })
})
