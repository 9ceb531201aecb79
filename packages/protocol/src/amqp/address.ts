import type { Identity } from '@edgewright/core'
import { percentDecode, percentEncode } from '../percent.js'
import { Refusal } from '../refusal.js'

/** What a link of a device or module is for. */
export type AmqpLinkKind = 'events' | 'devicebound' | 'twin' | 'methods'

/** Where a link of the device side leads. */
export type AmqpLinkAddress =
  | { readonly kind: 'cbs' }
  | { readonly kind: AmqpLinkKind; readonly identity: Identity }
  /** Feedback on cloud-to-device messages, asked for by raw clients. */
  | { readonly kind: 'feedback' }

/** The longest address that is looked at, in characters. */
export const MAX_ADDRESS_LENGTH = 2_048

const PATHS: Readonly<Record<AmqpLinkKind, string>> = Object.freeze({
  events: 'messages/events',
  devicebound: 'messages/devicebound',
  twin: 'twin',
  methods: 'methods/devicebound',
})

const KINDS: ReadonlyMap<string, AmqpLinkKind> = new Map(
  Object.entries(PATHS).map(([kind, path]) => [path, kind as AmqpLinkKind]),
)

/**
 * Reads a link address. Words are compared without case, ids are decoded once, a whole URI and a missing leading slash
 * are taken too, because clients send all of these.
 */
export function parseLinkAddress(address: string): AmqpLinkAddress | Refusal {
  if (address.length > MAX_ADDRESS_LENGTH) return new Refusal('the address is too long', MAX_ADDRESS_LENGTH)
  const prefix = /^(?:amqps?:\/\/[^/]*)?\/?/i.exec(address)![0]
  const path = address.slice(prefix.length)
  const words = path.toLowerCase()
  if (words === '$cbs') return { kind: 'cbs' }
  if (words === 'messages/servicebound/feedback') return { kind: 'feedback' }
  const match = /^devices\/([^/]+)(?:\/modules\/([^/]+))?\/(.+)$/i.exec(path)
  const kind = KINDS.get(match?.[3]?.toLowerCase() ?? '')
  if (match === null || kind === undefined) return new Refusal('no such address', prefix.length)
  const deviceId = percentDecode(match[1]!)
  const moduleId = match[2] === undefined ? undefined : percentDecode(match[2])
  if (deviceId === undefined || (match[2] !== undefined && moduleId === undefined)) {
    return new Refusal('an id is not percent-encoded text', prefix.length)
  }
  return { kind, identity: moduleId === undefined ? { deviceId } : { deviceId, moduleId } }
}

/** The address of a link, with a leading slash. */
export function formatLinkAddress(kind: AmqpLinkKind, identity: Identity): string {
  const module = identity.moduleId === undefined ? '' : `/modules/${percentEncode(identity.moduleId)}`
  return `/devices/${percentEncode(identity.deviceId)}${module}/${PATHS[kind]}`
}

/** The address of the node that takes tokens. */
export const CBS_ADDRESS = '$cbs'
