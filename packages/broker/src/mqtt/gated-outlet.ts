import { Outlet } from '../outlet.js'

/** An outlet that keeps what is written until it is opened: nothing may leave before the CONNACK [MQTT-3.2.0-1]. */
export class GatedOutlet extends Outlet {
  #held: Buffer[] | undefined = []

  /** Lets out these bytes, and then what has waited. */
  open(first: Buffer): void {
    const held = this.#held ?? []
    this.#held = undefined
    super.write(held.length === 0 ? first : Buffer.concat([first, ...held]))
  }

  override write(bytes: Buffer): void {
    if (this.#held !== undefined) this.#held.push(bytes)
    else super.write(bytes)
  }

  /** What has waited and was not let out is dropped. */
  override end(last?: Buffer): void {
    this.#held = undefined
    super.end(last)
  }
}
