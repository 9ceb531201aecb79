import { randomBytes } from 'node:crypto'

/** A message's own id, before it is text. */
export interface MessageId {
  readonly series: MessageSeries
  readonly number: number
}

/** Random per start of the hub; with a number it is the id of a message, in the form of a random UUID. */
export interface MessageSeries {
  /** The first ten bytes of the sixteen. */
  readonly bytes: Buffer
  /** The same as text, up to the last group. */
  readonly text: string
}

/** Ids that are never the same twice, also not after a restart. */
export class MessageIds {
  readonly series = newSeries()
  #number = 0

  next(): MessageId {
    return { series: this.series, number: this.#number++ }
  }
}

/** The text of an id. */
export function formatMessageId({ series, number }: MessageId): string {
  return series.text + number.toString(16).padStart(12, '0')
}

function newSeries(): MessageSeries {
  const bytes = randomBytes(10)
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return { bytes, text: `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16)}-` }
}
