import { createHmac } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { parseSasToken, Refusal, verifySasToken } from '@edgewright/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KeyRing } from './key-ring.js'
import { signSasToken } from './sas-token.js'
import { SealingKey } from './sealing-key.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewright-keys-'))
})
afterAll(() => rm(folder, { recursive: true }))

const key = Buffer.from('0123456789abcdef0123456789abcdef')
const data = Buffer.from('what is signed')

async function ring(name: string): Promise<KeyRing> {
  const sealing = await SealingKey.open(join(folder, `${name}.key`))
  return await KeyRing.open({ file: join(folder, `${name}.ring`), sealer: sealing.sealer('keys') })
}

describe('KeyRing', () => {
  it('signs with HMAC-SHA256, also after a restart', async () => {
    const first = await ring('signs')
    await first.put('device', key)
    const expected = createHmac('sha256', key).update(data).digest()
    expect(await first.sign('device', data)).toEqual(expected)
    const again = await ring('signs')
    expect(again.has('device')).toBe(true)
    expect(await again.sign('device', data)).toEqual(expected)
  })

  it('keeps every one of many changes made at once', async () => {
    const keys = await ring('many')
    await Promise.all(Array.from({ length: 20 }, (_, i) => keys.put(`module-${i}`, Buffer.of(i + 1))))
    await Promise.all([keys.remove('module-0'), keys.remove('never there'), keys.put('module-1', key)])
    const again = await ring('many')
    expect(again.has('module-0')).toBe(false)
    expect(again.has('module-19')).toBe(true)
    expect(await again.sign('module-1', data)).toEqual(createHmac('sha256', key).update(data).digest())
  })

  it('keeps keys out of the file, of its own inspection and of errors', async () => {
    const keys = await ring('secret')
    await keys.put('device', key)
    const file = join(folder, 'secret.ring')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const unknown = await keys.sign('other', data).catch(error => error)
    expect(unknown).toMatchObject({ code: 'KEY_NOT_FOUND' })
    for (const text of [await readFile(file, 'latin1'), inspect(keys, { depth: 9 }), inspect(unknown)]) {
      expect(text).not.toContain(key.toString())
      expect(text).not.toContain(key.toString('base64'))
    }
  })

  it('refuses a file that was changed', async () => {
    const keys = await ring('tampered')
    await keys.put('device', key)
    const file = join(folder, 'tampered.ring')
    const content = await readFile(file)
    content[40]! ^= 1
    await writeFile(file, content)
    await expect(ring('tampered')).rejects.toMatchObject({ code: 'SEAL_BROKEN' })
  })

  it('refuses keys and names that cannot be meant', async () => {
    const keys = await ring('limits')
    expect(() => keys.put('', key)).toThrow(TypeError)
    expect(() => keys.put('device', new Uint8Array())).toThrow(TypeError)
    expect(() => keys.put('device', new Uint8Array(129))).toThrow(TypeError)
  })

  it('gives up before signing when it is told to', async () => {
    const keys = await ring('aborted')
    await keys.put('device', key)
    await expect(keys.sign('device', data, AbortSignal.abort(new Error('stopping')))).rejects.toThrow('stopping')
  })
})

describe('signSasToken', () => {
  it('makes a token that the key verifies', async () => {
    const keys = await ring('sas')
    await keys.put('press/sensor', key)
    const identity = { deviceId: 'press', moduleId: 'temp & co' }
    const expiresAt = Date.UTC(2026, 5, 1)
    const text = await signSasToken(keys, { host: 'hub.local', identity, keyId: 'press/sensor', expiresAt })
    const token = parseSasToken(text)
    if (token instanceof Refusal) throw new Error(token.reason)
    const expected = { hosts: ['hub.local'], identities: [identity], keys: [key.toString('base64')] }
    expect(verifySasToken(token, { ...expected, now: expiresAt - 1 })).toEqual({ valid: true, expiresAt })
  })
})
