import { randomUUID } from 'node:crypto'
import type { MethodRequest, MethodResponse } from '@edgewright/core'
import {
  encodeAmqpMessage,
  idText,
  methodRequestToAmqp,
  methodResponseFromAmqp,
  Refusal,
  uuidBytes,
} from '@edgewright/protocol'
import type { IncomingDelivery } from '../../amqp/incoming-link.js'
import type { LinkService } from '../../amqp/links.js'
import { HubError } from '../../state/hub-error.js'
import type { HubState } from '../../state/hub-state.js'
import { methodBody, methodPayload } from '../method-payload.js'
import { PendingCalls } from '../pending-calls.js'
import { type Channel, Channels } from './channel.js'
import { ownAddress } from './own-address.js'

/** Methods links: calls leave on one, answers come on the other. */
export function methodsService(state: HubState): LinkService {
  const channels = new Channels()
  const calls = new WeakMap<Channel, PendingCalls>()
  const callsOf = (channel: Channel) => {
    let found = calls.get(channel)
    if (found === undefined) calls.set(channel, (found = new PendingCalls()))
    return found
  }
  return {
    incoming(attach) {
      const identity = ownAddress(attach.address, 'methods')
      if (identity === undefined) return undefined
      const principal = attach.connection.actAs(identity, attach.properties)
      const channel = channels.join(identity, attach)
      return {
        identity,
        principal,
        take: delivery => take(delivery, callsOf(channel)),
        closed: () => channels.leave(identity, channel, attach.receiver),
      }
    },
    outgoing(attach) {
      const identity = ownAddress(attach.address, 'methods')
      if (identity === undefined) return undefined
      const { connection, link } = attach
      const principal = connection.actAs(identity, attach.properties)
      const channel = channels.join(identity, attach)
      const pending = callsOf(channel)
      state.clients.handle(identity, connection, 'method', (request, signal) => call(request, signal, channel, pending))
      return {
        identity,
        principal,
        ready: () => channel.outbox.flush(link),
        closed() {
          channel.outbox.detach(link)
          pending.abandon()
          state.clients.handle(identity, connection, 'method', undefined)
          channels.leave(identity, channel, attach.sender)
        },
      }
    },
  }
}

function call(
  request: MethodRequest,
  signal: AbortSignal,
  channel: Channel,
  pending: PendingCalls,
): Promise<MethodResponse> {
  const id = randomUUID()
  const { name } = request
  const message = methodRequestToAmqp({ id: uuidBytes(id) as Uint8Array, name, body: methodBody(request.payload) })
  channel.outbox.push(encodeAmqpMessage(message))
  return pending.wait(id, signal)
}

function take(delivery: IncomingDelivery, pending: PendingCalls): void {
  for (const message of delivery.messages) {
    const response = methodResponseFromAmqp(message)
    if (response instanceof Refusal) {
      delivery.reject(new HubError('ArgumentInvalid', response.reason))
      return
    }
    pending.answer(idText(response.id) ?? '', { status: response.status, payload: methodPayload(response.body) })
  }
  delivery.accept()
}
