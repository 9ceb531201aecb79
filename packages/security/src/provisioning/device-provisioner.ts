import {
  type Clock,
  EdgewrightError,
  type Logger,
  type Sealer,
  silentLogger,
  sleep,
  systemClock,
} from '@edgewright/core'
import { parseConnectionString } from '@edgewright/protocol'
import type { KeyRing } from '../keys/key-ring.js'
import { AssignmentCache } from './assignment-cache.js'
import { deriveDeviceKey } from './derived-keys.js'
import { type DpsAssignment, registerDevice } from './dps-client.js'
import type { DeviceCredential, ProvisionedDevice } from './provisioned-device.js'
import { type DpsSource, type ProvisioningSource, registrationIdOf, sourceFingerprint } from './source.js'

/** What a {@link DeviceProvisioner} works with. */
export interface ProvisionerComponents {
  /** Takes the device's key in. */
  readonly keys: KeyRing
  /** Seals what is remembered: `sealingKey.sealer('provisioning')`. */
  readonly sealer: Sealer
  readonly clock?: Clock | undefined
  readonly logger?: Logger | undefined
}

/** Where a {@link DeviceProvisioner} asks, and when. */
export interface ProvisionerOptions {
  readonly source: ProvisioningSource
  /** Remembers what the provisioning service said. */
  readonly file: string
  /** Name of the device's key in the ring. @default 'device' */
  readonly keyId?: string | undefined
  /** Whether the provisioning service is asked at every start, or once and then when it is told to. @default 'once' */
  readonly ask?: 'once' | 'at-start' | undefined
  /** Milliseconds until a service that could not be reached is asked again; doubles up to a minute. @default 5,000 */
  readonly retryAfter?: number | undefined
}

const MAX_RETRY_AFTER = 60_000

/** Finds out which hub this device belongs to, and as whom. */
export class DeviceProvisioner {
  readonly #keys: KeyRing
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #options: ProvisionerOptions
  readonly #cache: AssignmentCache

  constructor(
    { keys, sealer, clock = systemClock, logger = silentLogger }: ProvisionerComponents,
    options: ProvisionerOptions,
  ) {
    this.#keys = keys
    this.#clock = clock
    this.#logger = logger
    this.#options = options
    this.#cache = new AssignmentCache(options.file, sealer)
  }

  /**
   * The device as its source says; without a link, as the source said before. A device that was never provisioned waits
   * for the link, and asks again and again.
   *
   * @throws `PROVISIONING_REFUSED`, `PROVISIONING_SOURCE_INVALID`, `CONNECTION_STRING_INVALID`, the signal's reason
   */
  async provision(signal?: AbortSignal): Promise<ProvisionedDevice> {
    const { source, ask = 'once', retryAfter = 5_000 } = this.#options
    if (source.kind !== 'dps') return await this.#byHand(source)
    const before = await this.#cache.read(sourceFingerprint(source))
    const credential = await this.#credentialOf(source)
    if (before !== undefined && ask === 'once') return { ...before, credential }
    for (let delay = retryAfter; ; delay = Math.min(2 * delay, MAX_RETRY_AFTER)) {
      try {
        return { ...(await this.#register(source, credential, signal)), credential }
      } catch (error) {
        if (!EdgewrightError.is(error, 'PROVISIONING_UNAVAILABLE')) throw error
        this.#logger.log('warn', 'Not provisioned now', { error, remembered: before !== undefined })
        if (before !== undefined) return { ...before, credential }
      }
      await sleep(this.#clock, delay, signal)
    }
  }

  /**
   * Asks again, as when the hub does not know this device any more; what was remembered is replaced by the answer, and
   * stays when there is none. Messages that wait are the store's and are not touched.
   *
   * @throws `PROVISIONING_UNAVAILABLE`, and what {@link provision} throws
   */
  async reprovision(signal?: AbortSignal): Promise<ProvisionedDevice> {
    const { source } = this.#options
    if (source.kind !== 'dps') return await this.#byHand(source)
    const credential = await this.#credentialOf(source)
    return { ...(await this.#register(source, credential, signal)), credential }
  }

  async #register(source: DpsSource, credential: DeviceCredential, signal?: AbortSignal): Promise<DpsAssignment> {
    const registration = { ...source, registrationId: registrationIdOf(source), credential }
    const assignment = await registerDevice(registration, this.#clock, signal)
    await this.#cache.write(sourceFingerprint(source), assignment)
    const { hubHostName, deviceId } = assignment
    this.#logger.log('info', 'Provisioned', { hub: hubHostName, device: deviceId })
    return assignment
  }

  async #credentialOf(source: DpsSource): Promise<DeviceCredential> {
    const { attestation } = source
    if (attestation.kind === 'certificate') return attestation
    if (attestation.kind === 'signer') return { ...attestation, kind: 'key' }
    const { kind, key } = attestation
    return await this.#takeKey(kind === 'groupKey' ? deriveDeviceKey(key, registrationIdOf(source)) : key)
  }

  async #byHand(source: Exclude<ProvisioningSource, DpsSource>): Promise<ProvisionedDevice> {
    if (source.kind === 'certificate') {
      const { hubHostName, deviceId, certificate, privateKey } = source
      return { hubHostName, deviceId, credential: { kind: 'certificate', certificate, privateKey } }
    }
    if (source.kind === 'signer') {
      const { hubHostName, deviceId, signer, keyId } = source
      return { hubHostName, deviceId, credential: { kind: 'key', signer, keyId } }
    }
    const parsed = parseConnectionString(source.connectionString)
    if (parsed.kind !== 'identity' || parsed.identity.moduleId !== undefined || parsed.credential.kind !== 'key') {
      throw new EdgewrightError('CONNECTION_STRING_INVALID', 'A gateway needs the connection string of a device', {
        remedy: 'Copy it from the registry; it looks like HostName=…;DeviceId=…;SharedAccessKey=….',
      })
    }
    const { hostName: hubHostName, identity, gatewayHostName } = parsed
    const credential = await this.#takeKey(parsed.credential.key)
    return { hubHostName, deviceId: identity.deviceId, gatewayHostName, credential }
  }

  async #takeKey(key: string): Promise<DeviceCredential> {
    const { keyId = 'device' } = this.#options
    await this.#keys.put(keyId, Buffer.from(key, 'base64'))
    return { kind: 'key', signer: this.#keys, keyId }
  }
}
