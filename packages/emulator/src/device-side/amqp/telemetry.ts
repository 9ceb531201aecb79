import type { Identity, Message } from '@edgewright/core'
import { parseLinkAddress, Refusal, telemetryFromAmqp } from '@edgewright/protocol'
import type { IncomingDelivery } from '../../amqp/incoming-link.js'
import { LatestLink } from '../../amqp/latest-link.js'
import type { LinkService } from '../../amqp/links.js'
import { authenticationOf } from '../../state/authority.js'
import type { AuthenticationMethod } from '../../state/event.js'
import { HubError } from '../../state/hub-error.js'
import type { HubState } from '../../state/hub-state.js'

/** Telemetry of devices and modules: accepted when it is in the event log, and kept. */
export function telemetryService(state: HubState): LinkService {
  const links = new LatestLink()
  return {
    incoming({ address, connection, properties, receiver }) {
      const target = parseLinkAddress(address)
      if (target instanceof Refusal || target.kind !== 'events') return undefined
      const { identity } = target
      const principal = connection.actAs(identity, properties)
      const method = authenticationOf(principal)
      return {
        identity,
        principal,
        take: delivery => take(delivery, identity, method, state),
        closed: links.opened(identity, connection, receiver),
      }
    },
  }
}

function take(delivery: IncomingDelivery, sender: Identity, method: AuthenticationMethod, state: HubState): void {
  try {
    state.ingest(sender, method, delivery.messages.map(decode))
  } catch (error) {
    delivery.reject(HubError.from(error))
    return
  }
  state.whenKept(failure => {
    if (failure === undefined) delivery.accept()
    else delivery.reject(HubError.from(failure))
  })
}

function decode(wire: IncomingDelivery['messages'][number]): Message {
  const message = telemetryFromAmqp(wire)
  if (message instanceof Refusal) throw new HubError('ArgumentInvalid', message.reason)
  return message
}
