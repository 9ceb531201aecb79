import { type Identity, type IdentityKey, identityKey } from '@edgewright/core'
import type { AmqpConnection } from './connection.js'
import type { Receiver, Sender } from './rhea.js'

type AnyLink = Receiver | Sender

/** Sees that an identity has one link of a kind: a second one closes the first. */
export class LatestLink {
  readonly #links = new Map<IdentityKey, { readonly connection: AmqpConnection; readonly link: AnyLink }>()

  /** To be called as a link is attached. @returns to be called when it has closed */
  opened(identity: Identity, connection: AmqpConnection, link: AnyLink): () => void {
    const key = identityKey(identity)
    const before = this.#links.get(key)
    this.#links.set(key, { connection, link })
    before?.connection.closeLink(before.link, { condition: 'amqp:link:stolen', description: 'A newer link took over' })
    return () => {
      if (this.#links.get(key)?.link === link) this.#links.delete(key)
    }
  }
}
