import type { LinkService, OutgoingAttach, OutgoingEndpoint } from '../../amqp/links.js'
import { HubError } from '../../state/hub-error.js'
import type { EventLog } from '../../state/event-log.js'
import type { HubState } from '../../state/hub-state.js'
import { parseEventHubAddress } from './address.js'
import { encodeEvent } from './event-message.js'
import { type EventPosition, FROM_START, parseSelector } from './position.js'
import { Readers } from './readers.js'

/** What the Event Hubs endpoint needs beside the state. */
export interface EventHubOptions {
  readonly state: HubState
  /** The event hub's name. */
  readonly entity: string
  /** Milliseconds since 1970. */
  readonly now: () => number
}

const SELECTOR_FILTER = 'apache.org:selector-filter:string'
const RUNTIME_METRIC = 'com.microsoft:enable-receiver-runtime-metric'

/** Links that read a partition: every event from a position on, as the reader gives credit. */
export function readingService(options: EventHubOptions): LinkService {
  const readers = new Readers()
  return {
    outgoing(attach) {
      const address = parseEventHubAddress(attach.path, options.entity)
      if (address?.kind !== 'partition') return undefined
      const principal = attach.connection.require('ServiceConnect', options.entity)
      const { partition, consumerGroup } = address
      if (partition >= options.state.events.partitionCount) {
        throw new HubError('ArgumentInvalid', `There is no partition ${partition}`)
      }
      const left = readers.join(consumerGroup, partition, attach)
      const reading = read(attach, partition, options)
      return {
        principal,
        ready: reading.ready,
        closed() {
          left()
          reading.closed?.()
        },
      }
    },
  }
}

function read({ link, sender }: OutgoingAttach, partition: number, { state, now }: EventHubOptions): OutgoingEndpoint {
  const { events } = state
  const wantsMetric = [sender.desired_capabilities].flat().some(capability => String(capability) === RUNTIME_METRIC)
  let next = startOf(positionOf(sender.source.filter), partition, events)
  const ready = () => {
    while (link.room > 0) {
      next = Math.max(next, events.state(partition).firstSequenceNumber)
      const event = events.at(partition, next)
      if (event === undefined) return
      link.send(encodeEvent(event, wantsMetric ? events.state(partition) : undefined, now()))
      next += 1
    }
  }
  const stop = events.watch(event => {
    if (event.partition === partition) ready()
  })
  return { ready, closed: stop }
}

function positionOf(filter: Record<string, unknown> | null | undefined): EventPosition {
  const selector = filter?.[SELECTOR_FILTER]
  return selector === undefined || selector === null ? FROM_START : parseSelector(String(selector))
}

/** The sequence number a reader begins with. */
function startOf(position: EventPosition, partition: number, events: EventLog): number {
  if (position.kind === 'end') return events.state(partition).lastSequenceNumber + 1
  const from = position.isInclusive ? position.from : position.from + 1
  return position.kind === 'time' ? events.positionAt(partition, from) : from
}
