import type { Identity, TwinPatch } from '@edgewright/core'
import {
  type AmqpTwinNotice,
  type AmqpTwinRequest,
  encodeAmqpMessage,
  Refusal,
  twinNoticeToAmqp,
  twinRequestFromAmqp,
} from '@edgewright/protocol'
import type { IncomingDelivery } from '../../amqp/incoming-link.js'
import type { LinkService } from '../../amqp/links.js'
import { HubError } from '../../state/hub-error.js'
import type { HubState } from '../../state/hub-state.js'
import { clientTwinJson, desiredPatchJson, patchFromBytes } from '../../state/twins.js'
import { errorBody } from '../error-body.js'
import { type Channel, Channels } from './channel.js'
import { ownAddress } from './own-address.js'

/** Twin links: requests come on one, answers and desired changes leave on the other. */
export function twinService(state: HubState): LinkService {
  const channels = new Channels()
  return {
    incoming(attach) {
      const identity = ownAddress(attach.address, 'twin')
      if (identity === undefined) return undefined
      const principal = attach.connection.actAs(identity, attach.properties)
      const channel = channels.join(identity, attach)
      return {
        identity,
        principal,
        take: delivery => take(delivery, identity, channel, state),
        closed: () => channels.leave(identity, channel, attach.receiver),
      }
    },
    outgoing(attach) {
      const identity = ownAddress(attach.address, 'twin')
      if (identity === undefined) return undefined
      const principal = attach.connection.actAs(identity, attach.properties)
      const channel = channels.join(identity, attach)
      return {
        identity,
        principal,
        ready: () => channel.outbox.flush(attach.link),
        closed() {
          channel.outbox.detach(attach.link)
          state.clients.handle(identity, attach.connection, 'desired', undefined)
          channels.leave(identity, channel, attach.sender)
        },
      }
    },
  }
}

function take(delivery: IncomingDelivery, identity: Identity, channel: Channel, state: HubState): void {
  for (const message of delivery.messages) {
    const request = twinRequestFromAmqp(message)
    if (request instanceof Refusal) {
      delivery.reject(new HubError('ArgumentInvalid', request.reason))
      return
    }
    const notice = answer(request, identity, channel, state)
    state.whenKept(failure =>
      channel.outbox.push(encodeNotice(failure === undefined ? notice : refused(request, failure))),
    )
  }
  delivery.accept()
}

function answer(request: AmqpTwinRequest, identity: Identity, channel: Channel, state: HubState): AmqpTwinNotice {
  const { id, operation, body } = request
  const ok = { kind: 'response' as const, id, status: 200, body: NO_BODY }
  try {
    state.admitTwinRequest(identity)
    switch (operation) {
      case 'get':
        return { ...ok, body: json(clientTwinJson(state.twins.clientTwin(identity))) }
      case 'patch':
        return { ...ok, status: 204, version: state.report(identity, patchFromBytes(body)) }
      case 'subscribe':
        state.clients.handle(identity, channel.connection, 'desired', patch => channel.outbox.push(desired(patch)))
        return ok
      case 'unsubscribe':
        state.clients.handle(identity, channel.connection, 'desired', undefined)
        return ok
    }
  } catch (error) {
    return refused(request, error)
  }
}

function refused({ id }: AmqpTwinRequest, error: unknown): AmqpTwinNotice {
  const refusal = HubError.from(error)
  return { kind: 'response', id, status: refusal.status, body: errorBody(refusal) }
}

function desired(patch: TwinPatch): Buffer {
  return encodeNotice({ kind: 'desired', version: patch.version, body: json(desiredPatchJson(patch)) })
}

function encodeNotice(notice: AmqpTwinNotice): Buffer {
  return encodeAmqpMessage(twinNoticeToAmqp(notice))
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value), 'utf8')
}

const NO_BODY = Buffer.alloc(0)
