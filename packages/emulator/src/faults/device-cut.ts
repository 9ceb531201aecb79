import type { Line } from '../network/line.js'
import type { Principal } from '../state/authority.js'
import { sideOf } from './side.js'

/**
 * The device side's link, which can be cut and restored. A connection is of the device side when its port says so or
 * as soon as it proves a device's identity; back-ends on the same ports are left alone.
 */
export class DeviceCut {
  readonly #deviceLines = new Set<Line>()
  #isCut = false

  get isCut(): boolean {
    return this.#isCut
  }

  /** Drops every connection of the device side, and those that come until {@link restore}. */
  cut(): void {
    this.#isCut = true
    for (const line of [...this.#deviceLines]) line.destroy()
  }

  restore(): void {
    this.#isCut = false
  }

  /** Whether a new connection may say anything at all. */
  admitsLine(line: Line): boolean {
    if (!line.info.transport.startsWith('mqtt')) return true
    return this.#admit(line)
  }

  /** Whether a connection may go on, now that it has proven this. */
  admitsPrincipal(line: Line, principal: Principal): boolean {
    return sideOf(principal) === 'service' || this.#admit(line)
  }

  /** Whether a request of somebody may be answered. */
  admitsRequest(principal: Principal): boolean {
    return sideOf(principal) === 'service' || !this.#isCut
  }

  #admit(line: Line): boolean {
    if (this.#isCut) return false
    if (!this.#deviceLines.has(line)) {
      this.#deviceLines.add(line)
      line.once('end', () => this.#deviceLines.delete(line))
    }
    return true
  }
}
