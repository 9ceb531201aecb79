import { isUtf8 } from 'node:buffer'
import { type Identity, sameIdentity } from '@edgewright/core'
import { Refusal } from '../refusal.js'
import { type ClientTopic, parseClientTopic } from './client-topic.js'
import { NOT_TEXT, OTHER_IDENTITY } from './topic-refusal.js'

/**
 * Reads the topics that one connection publishes on, out of the bytes of its packets.
 *
 * A client repeats its few telemetry topics millions of times, so the last few are remembered and recognised by
 * comparing bytes, without allocating.
 */
export class ClientTopicReader {
  readonly #identity: Identity
  readonly #remembered: (RememberedTopic | undefined)[] = []

  /** @param identity - the connection's own: telemetry of any other is refused */
  constructor(identity: Identity) {
    this.#identity = identity
  }

  /** The topic that stands in `bytes` from `start` to before `end`. */
  read(bytes: Buffer, start: number, end: number): ClientTopic | Refusal {
    const slot = (end - start) % REMEMBERED
    const remembered = this.#remembered[slot]
    if (remembered !== undefined && equals(remembered.bytes, bytes, start, end)) return remembered.topic
    const text = bytes.subarray(start, end)
    const topic = this.#parse(text)
    if (!(topic instanceof Refusal) && topic.kind === 'telemetry' && text.length <= LONGEST_REMEMBERED) {
      this.#remembered[slot] = { bytes: Buffer.from(text), topic }
    }
    return topic
  }

  #parse(bytes: Buffer): ClientTopic | Refusal {
    if (!isUtf8(bytes)) return NOT_TEXT
    const topic = parseClientTopic(bytes.toString('utf8'))
    if (topic instanceof Refusal || topic.kind !== 'telemetry') return topic
    return sameIdentity(topic.identity, this.#identity) ? topic : OTHER_IDENTITY
  }
}

/** Topics remembered; which of them depends on the length, so that a look-up is one comparison. */
const REMEMBERED = 4
/** Longer topics are not worth keeping: they carry what changes from message to message. */
const LONGEST_REMEMBERED = 512

interface RememberedTopic {
  readonly bytes: Buffer
  readonly topic: ClientTopic
}

function equals(known: Buffer, bytes: Buffer, start: number, end: number): boolean {
  if (known.length !== end - start) return false
  // Backwards, because topics of one client differ at their ends.
  for (let at = known.length - 1; at >= 0; at -= 1) if (known[at] !== bytes[start + at]) return false
  return true
}
