import type { Identity } from '@edgewright/core'
import { deliveryToAmqp, encodeAmqpMessage, uuidBytes } from '@edgewright/protocol'
import type { LinkService } from '../../amqp/links.js'
import type { OutgoingLink, Outcome } from '../../amqp/outgoing-link.js'
import { LatestLink } from '../../amqp/latest-link.js'
import type { Commands } from '../../state/commands.js'
import type { HubState } from '../../state/hub-state.js'
import { ownAddress } from './own-address.js'

/** Cloud-to-device links: what waits is sent as the client gives credit, and settled as the client says. */
export function commandsService(state: HubState): LinkService {
  const links = new LatestLink()
  return {
    outgoing({ address, connection, link, properties, sender }) {
      const identity = ownAddress(address, 'devicebound')
      if (identity === undefined) return undefined
      const principal = connection.actAs(identity, properties)
      const closed = links.opened(identity, connection, sender)
      const send = () => drain(identity, link, state.commands)
      state.clients.handle(identity, connection, 'command', send)
      return {
        identity,
        principal,
        ready: send,
        closed() {
          closed()
          state.clients.handle(identity, connection, 'command', undefined)
        },
      }
    },
  }
}

function drain(identity: Identity, link: OutgoingLink, commands: Commands): void {
  while (link.room > 0) {
    const delivery = commands.receive(identity)
    if (delivery === undefined) return
    const { lockToken, message } = delivery
    link.send(encodeAmqpMessage(deliveryToAmqp({ message })), {
      tag: Buffer.from(uuidBytes(lockToken) as Uint8Array),
      settled: outcome => settle(identity, lockToken, outcome, commands),
    })
  }
}

function settle(identity: Identity, lockToken: string, outcome: Outcome, commands: Commands): void {
  if (outcome === 'accepted') commands.complete(identity, lockToken)
  else if (outcome === 'rejected') commands.reject(identity, lockToken)
  else commands.abandon(identity, lockToken)
}
