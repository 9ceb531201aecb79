import { chmod, readdir, stat, writeFile } from 'node:fs/promises'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SealingKey } from './sealing-key.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewright-sealing-'))
})
afterAll(() => rm(folder, { recursive: true }))

const secret = Buffer.from('{"primaryKey":"c2VjcmV0"}')

describe('SealingKey', () => {
  it('makes a key file that only this user reads, and leaves nothing beside it', async () => {
    const file = join(folder, 'made', 'sealing.key')
    await SealingKey.open(file)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(join(folder, 'made'))).mode & 0o777).toBe(0o700)
    expect(await readdir(join(folder, 'made'))).toEqual(['sealing.key'])
  })

  it('reads after a restart what it sealed before', async () => {
    const file = join(folder, 'restart.key')
    const sealed = (await SealingKey.open(file)).sealer('twins').seal(secret)
    expect(Buffer.from(sealed).includes('primaryKey')).toBe(false)
    const again = (await SealingKey.open(file)).sealer('twins')
    expect(Buffer.from(again.unseal(sealed))).toEqual(secret)
    expect(again.unseal(again.seal(new Uint8Array()))).toHaveLength(0)
  })

  it('seals the same value differently each time', async () => {
    const sealer = (await SealingKey.open(join(folder, 'nonce.key'))).sealer('twins')
    expect(sealer.seal(secret)).not.toEqual(sealer.seal(secret))
  })

  it('refuses every changed byte, a cut value, another purpose and another key', async () => {
    const key = await SealingKey.open(join(folder, 'one.key'))
    const sealer = key.sealer('twins')
    const sealed = sealer.seal(secret)
    const broken = expect.objectContaining({ code: 'SEAL_BROKEN' })
    for (let at = 0; at < sealed.byteLength; at++) {
      const changed = Uint8Array.from(sealed)
      changed[at]! ^= 1
      expect(() => sealer.unseal(changed)).toThrow(broken)
    }
    for (const length of [0, 1, 28, sealed.byteLength - 1]) {
      expect(() => sealer.unseal(sealed.subarray(0, length))).toThrow(broken)
    }
    expect(() => key.sealer('identities').unseal(sealed)).toThrow(broken)
    const other = await SealingKey.open(join(folder, 'other.key'))
    expect(() => other.sealer('twins').unseal(sealed)).toThrow(broken)
  })

  it('refuses a key file that others can read, or of another length', async () => {
    const exposed = join(folder, 'exposed.key')
    await SealingKey.open(exposed)
    await chmod(exposed, 0o640)
    await expect(SealingKey.open(exposed)).rejects.toMatchObject({ code: 'PRIVATE_FILE_EXPOSED', place: exposed })
    const short = join(folder, 'short.key')
    await writeFile(short, 'too short', { mode: 0o600 })
    await expect(SealingKey.open(short)).rejects.toMatchObject({ code: 'KEY_FILE_INVALID', place: short })
  })
})
