import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { virtualClock } from '@edgewright/testkit'
import {
  hasSoftHsm,
  signerConformance,
  type SoftHsm,
  startSoftHsm,
  WITHOUT_SOFT_HSM,
} from '@edgewright/testkit/security'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { KeyRing, KeyServiceSigner, SealingKey } from '../src/index.js'

const service = fileURLToPath(new URL('../../../examples/pkcs11-key-service/pkcs11_key_service.py', import.meta.url))
const isInstalled = hasSoftHsm()
const keys: ReadonlyMap<string, Uint8Array> = new Map([
  ['device', randomBytes(32)],
  ['another', randomBytes(64)],
  ['modules/press 7ü/638', randomBytes(32)],
])

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewright-signers-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('the key ring', () => {
  signerConformance({ describe, it }, async () => {
    const sealing = await SealingKey.open(join(folder, 'ring', 'sealing.key'))
    const signer = await KeyRing.open({ file: join(folder, 'ring', 'keys'), sealer: sealing.sealer('keys') })
    for (const [keyId, key] of keys) await signer.put(keyId, key)
    return { signer, keys }
  })
})

describe('keys in SoftHSM, by way of the key service', () => {
  let hsm: SoftHsm
  beforeAll(async () => {
    if (isInstalled) hsm = await startSoftHsm({ keys, service })
  })
  afterAll(() => hsm?.[Symbol.asyncDispose]())
  beforeEach(context => context.skip(!isInstalled, WITHOUT_SOFT_HSM))

  signerConformance({ describe, it }, () => ({ signer: new KeyServiceSigner(hsm), keys }))

  it('sign again after the service was started anew', async () => {
    const signer = new KeyServiceSigner(hsm)
    const before = await signer.sign('device', Buffer.from('x'))
    await hsm.restart()
    expect(await signer.sign('device', Buffer.from('x'))).toEqual(before)
  })

  it('can be asked by this user alone, and the service tells nobody its PIN', async () => {
    expect((await stat(hsm.socketPath)).mode & 0o777).toBe(0o600)
    const signer = new KeyServiceSigner(hsm)
    const error = await signer.sign('nobody', Buffer.of(1)).catch((reason: unknown) => reason)
    expect(`${inspect(error, { depth: 9 })} ${hsm.output()}`).not.toContain(hsm.pin)
    for (const key of keys.values()) expect(hsm.output()).not.toContain(Buffer.from(key).toString('base64'))
  })
})

describe('a key service', () => {
  /** Asks one that answers as is said. */
  async function asking(serve: RequestListener, timeout = 10_000, clock = virtualClock()): Promise<unknown> {
    const socketPath = join(folder, `${randomBytes(8).toString('hex')}.sock`)
    const server = createServer(serve)
    server.listen(socketPath)
    await once(server, 'listening')
    try {
      return await new KeyServiceSigner({ socketPath, timeout, clock })
        .sign('device', Buffer.from('data'))
        .catch((error: unknown) => error)
    } finally {
      server.closeAllConnections()
      server.close()
    }
  }
  const signature = randomBytes(32).toString('base64')
  const unavailable = { code: 'SIGNER_UNAVAILABLE' }

  it('is spoken to as aziot-keyd wants it', async () => {
    const asked: unknown[] = []
    const result = await asking(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      asked.push([request.method, request.url, body === '' ? undefined : JSON.parse(body)])
      response.end(JSON.stringify(request.method === 'GET' ? { keyHandle: 'sr=pkcs11&x=1' } : { signature }))
    })
    expect(result).toEqual(Buffer.from(signature, 'base64'))
    expect(asked).toEqual([
      ['GET', '/key/device?api-version=2021-05-01', undefined],
      [
        'POST',
        '/sign?api-version=2021-05-01',
        { keyHandle: 'sr=pkcs11&x=1', algorithm: 'HMAC-SHA256', parameters: { message: 'ZGF0YQ==' } },
      ],
    ])
  })

  it.each<[string, RequestListener]>([
    ['fails', (_request, response) => response.writeHead(500).end('{"message":"the token is gone"}')],
    ['answers no JSON', (_request, response) => response.end('<html>')],
    ['names no handle', (_request, response) => response.end('{}')],
    ['signs with something else', (_request, response) => response.end('{"keyHandle":"h","signature":"c2hvcnQ="}')],
    ['says no end', (_request, response) => response.end(' '.repeat(2_000_000))],
    ['hangs up', request => request.socket.destroy()],
  ])('that %s is not available', async (_case, serve) => {
    expect(await asking(serve)).toMatchObject(unavailable)
  })

  it('that takes no handle is asked for another once', async () => {
    let loads = 0
    const result = await asking((request, response) => {
      if (request.method === 'GET') response.end(JSON.stringify({ keyHandle: `h${++loads}` }))
      else response.writeHead(400).end('{"message":"no such handle"}')
    })
    expect(result).toMatchObject(unavailable)
    expect(loads).toBe(1)
  })

  it('that says nothing is not waited for', async () => {
    const clock = virtualClock()
    const asked = asking(() => void clock.advance(3_000), 3_000, clock)
    expect(await asked).toMatchObject(unavailable)
  })

  it('that is not there is not available', async () => {
    const signer = new KeyServiceSigner({ socketPath: join(folder, 'nobody.sock') })
    await expect(signer.sign('device', Buffer.of(1))).rejects.toMatchObject(unavailable)
  })
})
