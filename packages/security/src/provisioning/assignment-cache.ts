import { isJsonObject, type Sealer } from '@edgewright/core'
import { readPrivateFile, writePrivateFile } from '../private-file.js'
import type { DpsAssignment } from './dps-client.js'

/** Remembers where a device was assigned to, for starts without a link. */
export class AssignmentCache {
  readonly #file: string
  readonly #sealer: Sealer

  constructor(file: string, sealer: Sealer) {
    this.#file = file
    this.#sealer = sealer
  }

  /**
   * The last assignment of this source; that of another one counts for nothing.
   *
   * @throws `SEAL_BROKEN`, `PRIVATE_FILE_EXPOSED`
   */
  async read(fingerprint: string): Promise<DpsAssignment | undefined> {
    const sealed = await readPrivateFile(this.#file)
    if (sealed === undefined) return undefined
    const kept: unknown = JSON.parse(Buffer.from(this.#sealer.unseal(sealed)).toString())
    if (!isJsonObject(kept) || kept.version !== 1 || kept.source !== fingerprint) return undefined
    const { hubHostName, deviceId, trustBundle, payload } = isJsonObject(kept.assignment) ? kept.assignment : {}
    return {
      hubHostName: String(hubHostName),
      deviceId: String(deviceId),
      trustBundle: typeof trustBundle === 'string' ? trustBundle : undefined,
      payload,
    }
  }

  async write(fingerprint: string, assignment: DpsAssignment): Promise<void> {
    const text = JSON.stringify({ version: 1, source: fingerprint, assignment })
    await writePrivateFile(this.#file, this.#sealer.seal(Buffer.from(text)))
  }
}
