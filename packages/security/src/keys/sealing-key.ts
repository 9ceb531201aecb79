import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { EdgewrightError, type Sealer } from '@edgewright/core'
import { readPrivateFile, writePrivateFile } from '../private-file.js'

const KEY_BYTES = 32
const VERSION = 1
const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEADER_BYTES = 1 + NONCE_BYTES

/**
 * The one secret that everything sealed on this gateway hangs on: 32 random bytes in a file that only this user reads.
 *
 * Each purpose seals under a key of its own (HKDF-SHA256), so a value moved to another purpose does not open, and random
 * nonces stay far below the number at which one could repeat.
 */
export class SealingKey {
  readonly #key: Buffer
  readonly #place: string

  private constructor(key: Buffer, place: string) {
    this.#key = key
    this.#place = place
  }

  /**
   * Reads the key file, or makes it on first use.
   *
   * @throws `PRIVATE_FILE_EXPOSED` when others can read it, `KEY_FILE_INVALID` when it does not hold 32 bytes
   */
  static async open(path: string): Promise<SealingKey> {
    const found = await readPrivateFile(path)
    if (found === undefined) {
      const made = randomBytes(KEY_BYTES)
      await writePrivateFile(path, made)
      return new SealingKey(made, path)
    }
    if (found.byteLength !== KEY_BYTES) {
      throw new EdgewrightError('KEY_FILE_INVALID', `A key file must hold ${KEY_BYTES} bytes`, {
        place: path,
        remedy: 'Restore it from a backup. Without it nothing that was sealed can be read again.',
      })
    }
    return new SealingKey(found, path)
  }

  /**
   * Seals with AES-256-GCM. Sealed bytes are a version byte, a nonce of 12 bytes, the ciphertext and a tag of 16 bytes.
   *
   * @param purpose - what is sealed, such as `twins`; stays the same for as long as the values are kept
   */
  sealer(purpose: string): Sealer {
    const key = Buffer.from(hkdfSync('sha256', this.#key, '', `edgewright/${purpose}`, KEY_BYTES))
    const place = this.#place
    return {
      seal(value) {
        const nonce = randomBytes(NONCE_BYTES)
        const cipher = createCipheriv('aes-256-gcm', key, nonce)
        const ciphertext = cipher.update(value)
        cipher.final()
        return Buffer.concat([Buffer.of(VERSION), nonce, ciphertext, cipher.getAuthTag()])
      },
      unseal(sealed) {
        if (sealed.byteLength < HEADER_BYTES + TAG_BYTES || sealed[0] !== VERSION) throw broken(purpose, place)
        const body = sealed.byteLength - TAG_BYTES
        const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, HEADER_BYTES))
        decipher.setAuthTag(sealed.subarray(body))
        const value = decipher.update(sealed.subarray(HEADER_BYTES, body))
        try {
          decipher.final()
        } catch {
          throw broken(purpose, place)
        }
        return value
      },
    }
  }
}

function broken(purpose: string, place: string): EdgewrightError {
  return new EdgewrightError('SEAL_BROKEN', `A sealed value (${purpose}) was changed, or sealed with another key`, {
    place,
    remedy: 'Restore the key file that belongs to this data, or the data that belongs to this key file.',
  })
}
