import { type ApplicationProperties, type Message, NO_PROPERTIES, type SystemProperties } from '@edgewright/core'
import { percentDecode, percentEncode } from '../percent.js'

/** Which way a bag travels: what may stand in it, and how an absent value is written, differ. */
export type BagDirection = 'to-hub' | 'to-client'

/** The properties that a topic carries. */
export interface PropertyBag {
  readonly properties: ApplicationProperties
  readonly system: SystemProperties
}

/** The bag of a message that has no properties: shared, so that the common case allocates nothing. */
export const EMPTY_BAG: PropertyBag = Object.freeze({ properties: NO_PROPERTIES, system: Object.freeze({}) })

/**
 * Reads a bag, `k=v&k2=v2`, each side percent-encoded. `k` alone has no value, `k=` an empty one; a leading `?` is
 * tolerated; of names that repeat the last counts; what is not valid percent-encoding stands for itself;
 * what has no name is left out.
 *
 * Stamps (`$.cdid`, `$.cmid`) are dropped when they come from a client. Source: wire reference, section 2.5.
 */
export function decodePropertyBag(text: string, direction: BagDirection): PropertyBag {
  const from = text.startsWith('?') ? 1 : 0
  if (from === text.length) return EMPTY_BAG
  const properties = new Map<string, string | null>()
  const system: Record<string, string> = {}
  for (const pair of text.slice(from).split('&')) {
    const equals = pair.indexOf('=')
    const name = decodePart(equals < 0 ? pair : pair.slice(0, equals))
    const value = equals < 0 ? null : decodePart(pair.slice(equals + 1))
    const known = SYSTEM_BY_WIRE_NAME.get(name)
    if (name === '') continue
    if (known === undefined) properties.set(name, value)
    else if (value !== null && known[direction] !== 'ignored') system[known.property] = value
  }
  return { properties: properties.size === 0 ? NO_PROPERTIES : properties, system }
}

/**
 * Writes a bag, system properties first. Towards clients an absent value is written as an empty one, because the Java
 * SDK throws on a bare name. Source: wire reference, section 2.5.
 */
export function encodePropertyBag(message: Pick<Message, 'properties' | 'system'>, direction: BagDirection): string {
  let bag = ''
  for (const property in message.system) {
    const known = CARRIED[direction].get(property)
    const value = message.system[property as keyof SystemProperties]
    if (known !== undefined && typeof value === 'string') bag += `${separator(bag)}${known}=${encodePart(value)}`
  }
  for (const [name, value] of message.properties) {
    if (name === '') continue
    if (value !== null) bag += `${separator(bag)}${encodePart(name)}=${encodePart(value)}`
    else bag += `${separator(bag)}${encodePart(name)}${direction === 'to-client' ? '=' : ''}`
  }
  return bag
}

/** `read`: understood on arrival, never sent; `ignored`: dropped on arrival, never sent. */
type Carriage = 'carried' | 'read' | 'ignored'

interface SystemPropertyEntry {
  readonly name: string
  readonly encoded: string
  readonly property: keyof SystemProperties
  readonly 'to-hub': Carriage
  readonly 'to-client': Carriage
}

function entry(
  name: string,
  property: keyof SystemProperties,
  toHub: Carriage = 'carried',
  toClient: Carriage = 'carried',
): SystemPropertyEntry {
  return { name, encoded: encodeURIComponent(name), property, 'to-hub': toHub, 'to-client': toClient }
}

const SYSTEM_PROPERTIES: readonly SystemPropertyEntry[] = [
  entry('$.mid', 'messageId'),
  entry('$.cid', 'correlationId'),
  entry('$.uid', 'userId'),
  entry('$.to', 'to'),
  entry('$.exp', 'expiryTime'),
  entry('$.ct', 'contentType'),
  entry('$.ce', 'contentEncoding'),
  entry('$.ctime', 'creationTime'),
  entry('$.schema', 'messageSchema'),
  entry('$.on', 'outputName', 'carried', 'read'),
  entry('$.ifid', 'interfaceId', 'carried', 'read'),
  entry('$.sub', 'component'),
  entry('$.cdid', 'connectionDeviceId', 'ignored', 'carried'),
  entry('$.cmid', 'connectionModuleId', 'ignored', 'carried'),
  entry('$.diagid', 'diagnosticId', 'carried', 'read'),
  entry('$.diagctx', 'diagnosticContext', 'carried', 'read'),
  entry('iothub-operation', 'operation'),
  entry('iothub-ack', 'ack'),
  entry('ack', 'ack', 'read', 'read'),
]

const SYSTEM_BY_WIRE_NAME: ReadonlyMap<string, SystemPropertyEntry> = new Map(
  SYSTEM_PROPERTIES.map(known => [known.name, known]),
)

/** For each property that is written, its name as it is written. */
const CARRIED: Readonly<Record<BagDirection, ReadonlyMap<string, string>>> = {
  'to-hub': carried('to-hub'),
  'to-client': carried('to-client'),
}

function carried(direction: BagDirection): ReadonlyMap<string, string> {
  const entries = SYSTEM_PROPERTIES.filter(known => known[direction] === 'carried')
  return new Map(entries.map(({ property, encoded }) => [property, encoded]))
}

function separator(bag: string): string {
  return bag === '' ? '' : '&'
}

function decodePart(text: string): string {
  return percentDecode(text) ?? text
}

/** Text that is not well-formed Unicode is repaired, because it cannot be percent-encoded as it is. */
function encodePart(text: string): string {
  if (PLAIN.test(text)) return text
  return percentEncode(ILL_FORMED.test(text) ? Buffer.from(text, 'utf8').toString('utf8') : text)
}

/** What most values are: nothing in it has to be encoded. */
const PLAIN = /^[\w\-.~]*$/
const ILL_FORMED = /\p{Surrogate}/u
