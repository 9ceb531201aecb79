import { percentDecode } from '@edgewright/protocol'

/** What a link of the event hub is for. */
export type EventHubAddress =
  | { readonly kind: 'management' }
  | { readonly kind: 'partition'; readonly consumerGroup: string; readonly partition: number }

const PARTITION = /^\/([^/]+(?:\/events)?)\/consumergroups\/([^/]+)\/partitions\/(\d{1,3})$/i
const MANAGEMENT = /^\/(?:[^/]+\/)?\$management$/i

/**
 * Reads the path of a link to the event hub: by the entity's name, or as `/messages/events` on the hub's own host.
 *
 * @param entity - the event hub's name; other names are not served
 */
export function parseEventHubAddress(path: string, entity: string): EventHubAddress | undefined {
  if (MANAGEMENT.test(path)) return { kind: 'management' }
  const match = PARTITION.exec(path)
  if (match === null) return undefined
  const [, name = '', consumerGroup = '', partition = ''] = match
  const names = [entity.toLowerCase(), 'messages/events']
  if (!names.includes(name.toLowerCase())) return undefined
  return {
    kind: 'partition',
    consumerGroup: percentDecode(consumerGroup) ?? consumerGroup,
    partition: Number(partition),
  }
}
