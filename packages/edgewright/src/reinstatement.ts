import { type Clock, EdgewrightError, type Identity, type Logger, sameIdentity } from '@edgewright/core'
import type { DeviceProvisioner, ModuleIdentities, ProvisionedDevice } from '@edgewright/security'
import { EDGE_AGENT, EDGE_HUB } from './identity-tokens.js'

/** What a {@link Reinstatement} works with. */
export interface ReinstatementParts {
  readonly provisioner: DeviceProvisioner
  readonly modules: ModuleIdentities
  /** Who this gateway is, as it was provisioned. */
  readonly device: Pick<ProvisionedDevice, 'hubHostName' | 'deviceId'>
  readonly clock: Clock
  readonly logger: Logger
  /** Aborted when the gateway stops. */
  readonly signal: AbortSignal
  /** Called when the device belongs to another hub, or is another one. */
  readonly moved: () => void
}

/** Milliseconds between attempts that changed nothing; doubles up to the second. */
const FIRST_DELAY = 5_000
const MOST_DELAY = 600_000

/**
 * Gets this gateway in again when the cloud refuses it: with the keys that the registry has now; and where the device
 * itself is refused, by asking the provisioning service anew. Source: agent reference, section 9.2.
 */
export class Reinstatement {
  readonly #parts: ReinstatementParts
  #attempt: Promise<void> | undefined
  #notBefore = Number.NEGATIVE_INFINITY
  #delay = FIRST_DELAY

  constructor(parts: ReinstatementParts) {
    this.#parts = parts
  }

  /** Take note that the cloud refused somebody. Only this gateway's own identities matter here, and not too often. */
  refused(identity: Identity): void {
    const { device, clock, signal } = this.#parts
    const { deviceId } = device
    if (![EDGE_HUB, EDGE_AGENT].some(moduleId => sameIdentity(identity, { deviceId, moduleId }))) return
    if (signal.aborted || this.#attempt !== undefined || clock.monotonic() < this.#notBefore) return
    this.#attempt = this.#reinstate().finally(() => {
      this.#attempt = undefined
      this.#notBefore = clock.monotonic() + this.#delay
      this.#delay = Math.min(2 * this.#delay, MOST_DELAY)
    })
  }

  /**
   * Asks the provisioning service where this device belongs now.
   *
   * @returns whether that is another place than before
   * @throws as `DeviceProvisioner.reprovision`
   */
  async reprovision(signal: AbortSignal = this.#parts.signal): Promise<boolean> {
    const { provisioner, device, moved } = this.#parts
    const { hubHostName, deviceId } = await provisioner.reprovision(signal)
    if (hubHostName === device.hubHostName && deviceId === device.deviceId) return false
    moved()
    return true
  }

  async #reinstate(): Promise<void> {
    const { logger, signal } = this.#parts
    try {
      const refusal = await this.#renewKeys()
      if (refusal === undefined) return
      logger.log('warn', 'The cloud refuses this device', { error: refusal })
      if (!(await this.reprovision())) await this.#renewKeys()
    } catch (error) {
      if (!signal.aborted) logger.log('warn', 'This device could not be provisioned anew', { error })
    }
  }

  /** @returns why the device itself was refused, if it was */
  async #renewKeys(): Promise<unknown> {
    const { modules, signal } = this.#parts
    const own = modules.find(EDGE_AGENT) === undefined ? [EDGE_HUB] : [EDGE_HUB, EDGE_AGENT]
    const error = (await modules.provide(own, signal)).find(outcome => outcome.error !== undefined)?.error
    return EdgewrightError.is(error, 'REGISTRY_REFUSED') ? error : undefined
  }
}
