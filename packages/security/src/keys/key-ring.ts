import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { EdgewrightError, isJsonObject, type Sealer, type Signer } from '@edgewright/core'
import { readPrivateFile, writePrivateFile } from '../private-file.js'

/** The longest key that HMAC-SHA256 uses as it is, doubled: nothing sensible is longer. */
const MAX_KEY_BYTES = 128
const MAX_ID_LENGTH = 512

/** What a {@link KeyRing} stands on. */
export interface KeyRingOptions {
  /** The file that holds the keys, sealed; made when the first key is put. */
  readonly file: string
  /** Seals the file: `sealingKey.sealer('keys')`. */
  readonly sealer: Sealer
}

/**
 * Named symmetric keys, kept sealed in one file, that sign and never come out again.
 *
 * A change is durable when its promise resolves.
 */
export class KeyRing implements Signer {
  readonly #options: KeyRingOptions
  #keys: ReadonlyMap<string, KeyObject>
  #change: Promise<unknown> = Promise.resolve()

  private constructor(options: KeyRingOptions, keys: ReadonlyMap<string, KeyObject>) {
    this.#options = options
    this.#keys = keys
  }

  /**
   * Reads the file; a missing one is an empty ring.
   *
   * @throws `SEAL_BROKEN` when the file was changed or belongs to another key file, `PRIVATE_FILE_EXPOSED`
   */
  static async open(options: KeyRingOptions): Promise<KeyRing> {
    const sealed = await readPrivateFile(options.file)
    const keys = sealed === undefined ? new Map<string, KeyObject>() : parseKeys(options.sealer.unseal(sealed))
    return new KeyRing(options, keys)
  }

  /** Whether there is such a key. */
  has(keyId: string): boolean {
    return this.#keys.has(keyId)
  }

  /**
   * Takes a key in, replacing one of the same name; the same key again writes nothing.
   *
   * @param key - 1 to 128 bytes, as they are (not Base64)
   */
  put(keyId: string, key: Uint8Array): Promise<void> {
    if (keyId.length === 0 || keyId.length > MAX_ID_LENGTH) throw new TypeError('A key id has 1 to 512 characters')
    if (key.byteLength === 0 || key.byteLength > MAX_KEY_BYTES) throw new TypeError('A key has 1 to 128 bytes')
    const kept = createSecretKey(key)
    return this.#replace(keys => {
      const isNew = !keys.get(keyId)?.equals(kept)
      keys.set(keyId, kept)
      return isNew
    })
  }

  /** Forgets a key; one that is not there is no error. */
  remove(keyId: string): Promise<void> {
    return this.#replace(keys => keys.delete(keyId))
  }

  async sign(keyId: string, data: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    signal?.throwIfAborted()
    const key = this.#keys.get(keyId)
    if (key === undefined) {
      throw new EdgewrightError('KEY_NOT_FOUND', `There is no key "${keyId}"`, {
        place: this.#options.file,
        remedy: 'Provision the identity whose key this is.',
      })
    }
    return createHmac('sha256', key).update(data).digest()
  }

  /** @param change - gives whether it changed anything */
  #replace(change: (keys: Map<string, KeyObject>) => boolean): Promise<void> {
    const step = async () => {
      const keys = new Map(this.#keys)
      if (!change(keys)) return
      await writePrivateFile(this.#options.file, this.#options.sealer.seal(formatKeys(keys)))
      this.#keys = keys
    }
    const done = this.#change.then(step, step)
    this.#change = done
    return done
  }
}

function formatKeys(keys: ReadonlyMap<string, KeyObject>): Uint8Array {
  const entries = Array.from(keys, ([id, key]) => [id, key.export().toString('base64')])
  return Buffer.from(JSON.stringify({ version: 1, keys: Object.fromEntries(entries) }))
}

function parseKeys(text: Uint8Array): ReadonlyMap<string, KeyObject> {
  const { keys } = JSON.parse(Buffer.from(text).toString()) as { keys: unknown }
  if (!isJsonObject(keys)) throw new TypeError('The seal is intact but holds no keys')
  return new Map(Object.entries(keys).map(([id, key]) => [id, createSecretKey(String(key), 'base64')]))
}
