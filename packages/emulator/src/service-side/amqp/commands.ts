import { type AmqpMessage, parseLinkAddress, Refusal, telemetryFromAmqp } from '@edgewright/protocol'
import type { LinkService } from '../../amqp/links.js'
import { HubError } from '../../state/hub-error.js'
import type { HubState } from '../../state/hub-state.js'

const ADDRESS = '/messages/devicebound'

/** Where back-ends send cloud-to-device messages: accepted means queued. */
export function commandSenderService(state: HubState): LinkService {
  return {
    incoming({ path, connection }) {
      if (path.toLowerCase() !== ADDRESS) return undefined
      return {
        principal: connection.require('ServiceConnect'),
        take(delivery) {
          try {
            for (const message of delivery.messages) send(message, state)
          } catch (error) {
            delivery.reject(HubError.from(error))
            return
          }
          state.whenKept(failure => {
            if (failure === undefined) delivery.accept()
            else delivery.reject(HubError.from(failure))
          })
        },
      }
    },
  }
}

function send(wire: AmqpMessage, state: HubState): void {
  const target = parseLinkAddress(wire.to ?? '')
  if (target instanceof Refusal || target.kind !== 'devicebound') {
    throw new HubError('ArgumentInvalid', 'The property "to" names no device')
  }
  const message = telemetryFromAmqp(wire)
  if (message instanceof Refusal) throw new HubError('ArgumentInvalid', message.reason)
  state.commands.send(target.identity, message)
}
