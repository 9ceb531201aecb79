import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { type CertificateIssuer, EdgewrightError, type LogFields, memoryMeter } from '@edgewright/core'
import { virtualClock } from '@edgewright/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { certificateReport, EdgeAuthority, RenewingCertificate } from '../src/index.js'
import { operatorsOwn } from './operator-authority.js'

const MINUTE = 60_000
const DAY = 86_400_000
const START = Date.UTC(2027, 0, 1)
const request = {
  commonName: 'press-7.local',
  dnsNames: ['press-7.local'],
  ipAddresses: ['127.0.0.1'],
  usage: 'server',
  validity: 90 * DAY,
} as const

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewright-renewal-'))
})
afterAll(() => rm(folder, { recursive: true }))

let made = 0

/** A certificate that renews, under an authority made for it. */
async function started({ start = START, authorityValidity = 3_650 * DAY, operator = false } = {}) {
  const clock = virtualClock({ start })
  const place = join(folder, String(made++))
  const development = await EdgeAuthority.forDevelopment({ folder: place, validity: authorityValidity }, { clock })
  const authority = operator ? await operatorsOwn(place, clock) : development
  const refusals: unknown[] = []
  const issuer: CertificateIssuer = {
    trustBundle: authority.trustBundle,
    async issue(wanted, signal) {
      if (refusals.length > 0) throw refusals.shift()
      return await authority.issue(wanted, signal)
    },
  }
  const log: string[] = []
  const logger = { log: (level: string, text: string, _?: LogFields) => void log.push(`${level} ${text}`) }
  const meter = memoryMeter()
  const certificate = new RenewingCertificate({ issuer, clock, logger, meter }, { name: 'server', request })
  await certificate.start()
  return { authority, certificate, clock, log, meter, refusals }
}

type Clock = ReturnType<typeof virtualClock>

/** Lets a minute pass and the look at the clock that follows come to its end, so often. */
async function look(clock: Clock, times = 1): Promise<void> {
  for (let done = 0; done < times; done++) {
    await clock.advance(MINUTE)
    await clock.untilPending()
  }
}

/** Lets time pass in which nobody looks: the machine sleeps. */
async function sleep(clock: Clock, span: number): Promise<void> {
  clock.jump(span - MINUTE)
  await look(clock)
}

describe('a renewing certificate', () => {
  it('is replaced after four fifths of its life, and says when', async () => {
    const { certificate, clock, meter } = await started()
    const first = certificate.current
    const renewals: string[] = []
    certificate.on('renewed', ({ chain }) => renewals.push(chain))
    expect(certificate.status).toEqual({
      name: 'server',
      commonName: 'press-7.local',
      state: 'valid',
      notBefore: START - DAY,
      expiresAt: START + 90 * DAY,
      renewsAt: START + 72 * DAY,
      failure: undefined,
    })
    await sleep(clock, 72 * DAY - MINUTE)
    expect(certificate.current).toBe(first)
    await look(clock)
    expect(renewals).toEqual([certificate.current.chain])
    expect(certificate.current.expiresAt).toBe(clock.now() + 90 * DAY)
    expect(new X509Certificate(certificate.current.chain).serialNumber).not.toBe(
      new X509Certificate(first.chain).serialNumber,
    )
    expect(meter.read()).toMatchObject([{ value: certificate.current.expiresAt / 1_000, labels: { name: 'server' } }])
    await certificate.stop()
    expect(clock.pending).toEqual([])
  })

  it('stays when it cannot be replaced, says why, and is tried again', async () => {
    const { certificate, clock, refusals } = await started()
    const first = certificate.current
    const failures: unknown[] = []
    certificate.on('failed', error => failures.push(error))
    refusals.push(new EdgewrightError('ISSUER_AWAY', 'nobody answers'), new Error('still nobody'))
    await sleep(clock, 73 * DAY)
    expect(certificate.current).toBe(first)
    expect(certificate.status).toMatchObject({ state: 'due', failure: 'nobody answers' })
    await look(clock, 23 * 60)
    expect(failures).toHaveLength(1)
    await look(clock, 60)
    expect(failures).toHaveLength(2)
    await look(clock, 24 * 60)
    expect(certificate.status).toMatchObject({ state: 'valid', failure: undefined })
    expect(certificate.current).not.toBe(first)
  })

  it('fails its start when there is no first one, and may be started again', async () => {
    const clock = virtualClock({ start: START })
    const refusals: unknown[] = [new EdgewrightError('ISSUER_AWAY', 'nobody answers')]
    const authority = await EdgeAuthority.forDevelopment({ folder: join(folder, 'first') }, { clock })
    const issue = async () => (refusals.length > 0 ? Promise.reject(refusals.shift()) : authority.issue(request))
    const certificate = new RenewingCertificate(
      { issuer: { trustBundle: '', issue }, clock },
      { name: 'server', request },
    )
    expect(() => certificate.current).toThrow(expect.objectContaining({ code: 'NOT_RUNNING' }))
    await expect(certificate.start()).rejects.toMatchObject({ code: 'ISSUER_AWAY' })
    await certificate.start()
    expect(certificate.status.state).toBe('valid')
    await certificate.stop()
  })

  it('is replaced at once when it is told to', async () => {
    const { certificate } = await started()
    const renewed: unknown[] = []
    certificate.on('renewed', next => renewed.push(next))
    await certificate.renew()
    expect(renewed).toEqual([certificate.current])
  })

  it('is not replaced over and over when its authority ends first, and warns of it', async () => {
    const { certificate, clock, log } = await started({ authorityValidity: 50 * DAY, operator: true })
    expect(log).toContain('warn Certificate shortened by the end of its authority')
    let renewals = 0
    certificate.on('renewed', () => renewals++)
    await sleep(clock, 45 * DAY)
    await look(clock, 2 * 24 * 60)
    expect(renewals).toBe(0)
    expect(certificate.status).toMatchObject({ state: 'due', failure: expect.stringContaining('authority') })
  })
})

describe('a clock that is far off', () => {
  it('behind, at boot: the certificate is good as soon as the clock is right', async () => {
    const { certificate, clock } = await started({ start: 0 })
    expect(certificate.status.state).toBe('not-yet-valid')
    await look(clock, 10)
    clock.jump(START - clock.now())
    await look(clock)
    expect(certificate.status).toMatchObject({ state: 'valid', expiresAt: clock.now() + 90 * DAY })
  })

  it('ahead, at boot: likewise', async () => {
    const { authority, certificate, clock } = await started()
    await certificate.stop()
    clock.jump(9 * 365 * DAY)
    const early = new RenewingCertificate({ issuer: authority, clock }, { name: 'server', request })
    await early.start()
    clock.jump(-9 * 365 * DAY)
    expect(early.status.state).toBe('not-yet-valid')
    await look(clock)
    expect(early.status.state).toBe('valid')
    await early.stop()
  })

  it('ahead for a while, beyond the end of the authority: the old certificate stays and serves again', async () => {
    const { certificate, clock, refusals } = await started({ operator: true })
    const first = certificate.current
    clock.jump(50 * 365 * DAY)
    await look(clock)
    expect(certificate.status).toMatchObject({ state: 'expired', failure: expect.stringContaining('has expired') })
    clock.jump(-50 * 365 * DAY)
    await look(clock)
    expect(certificate.current).toBe(first)
    expect(certificate.status.state).toBe('valid')
    expect(refusals).toEqual([])
  })

  it('ahead for a while, beyond the end of a development authority: that is renewed, and does no harm later', async () => {
    const { authority, certificate, clock } = await started()
    const trusted = authority.trustBundle
    clock.jump(73 * 365 * DAY)
    await look(clock)
    expect([authority.status.state, certificate.status.state]).toEqual(['valid', 'valid'])
    clock.jump(-73 * 365 * DAY)
    await look(clock)
    expect([authority.status.state, certificate.status.state]).toEqual(['valid', 'valid'])
    // Who was told the old one goes on: it has the same key.
    const [leaf] = [new X509Certificate(certificate.current.chain)]
    for (const root of [trusted, authority.trustBundle].map(pem => new X509Certificate(pem))) {
      expect(leaf.checkIssued(root) && leaf.verify(root.publicKey)).toBe(true)
    }
  })

  it('back to the time before the certificate: it is replaced by one that is valid then', async () => {
    const { authority, certificate, clock } = await started()
    await sleep(clock, 30 * DAY)
    await certificate.renew()
    clock.jump(-20 * DAY)
    await look(clock)
    expect(certificate.status.state).toBe('valid')
    expect(certificate.current.expiresAt).toBe(clock.now() + 90 * DAY)
    expect(authority.status.state).toBe('valid')
  })
})

it('a report says what expires when, the soonest first', async () => {
  const { authority, certificate } = await started({ operator: true })
  expect(certificateReport([authority, certificate]).map(({ name }) => name)).toEqual(['server', 'authority'])
  expect(authority.status).toMatchObject({ commonName: 'Edgewright development only', state: 'valid' })
  expect(authority.status.renewsAt).toBeUndefined()
})

it('under a hundred live connections nobody is dropped, and who comes later sees the new certificate', async () => {
  const { authority, certificate } = await started({ start: Date.now() })
  const credentials = () => ({ cert: certificate.current.chain, key: certificate.current.privateKey })
  const server = createServer(credentials(), socket => socket.on('error', () => undefined).pipe(socket))
  certificate.on('renewed', () => server.setSecureContext(credentials()))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const open = async (): Promise<TLSSocket> => {
    const socket = connect({ host: '127.0.0.1', port, ca: authority.trustBundle })
    await once(socket, 'secureConnect')
    return socket
  }
  const echo = async (socket: TLSSocket) => {
    const answer = once(socket, 'data')
    socket.write('still here')
    return String((await answer)[0])
  }
  const live = await Promise.all(Array.from({ length: 100 }, open))
  const before = live[0]!.getPeerX509Certificate()!.serialNumber
  await certificate.renew()
  expect(new Set(await Promise.all(live.map(echo)))).toEqual(new Set(['still here']))
  const later = await open()
  const after = later.getPeerX509Certificate()!.serialNumber
  expect(after).not.toBe(before)
  expect(after).toBe(new X509Certificate(certificate.current.chain).serialNumber)
  for (const socket of [...live, later]) socket.destroy()
  server.close()
  await once(server, 'close')
})
