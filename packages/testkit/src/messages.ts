import { createMessage, type Message, type SystemProperties } from '@edgewright/core'

/** What {@link randomMessages} makes. */
export interface RandomMessageOptions {
  /** The same seed gives the same messages, everywhere and always. @default 1 */
  readonly seed?: number
  /** The longest body in bytes; most are much shorter. @default 2,048 */
  readonly maxBody?: number
  /** The most application properties of one message. @default 6 */
  readonly maxProperties?: number
}

/** What random messages are like when nothing else is said. */
export const RANDOM_MESSAGE_DEFAULTS = Object.freeze({
  seed: 1,
  maxBody: 2_048,
  maxProperties: 6,
}) satisfies Required<RandomMessageOptions>

/** Texts that codecs like to get wrong. */
const AWKWARD = [
  '',
  ' ',
  '%',
  '%2F',
  '&',
  '=',
  '/',
  '+',
  '$.mid',
  'a=b&c',
  'größe',
  '温度',
  '🌡️',
  '\t',
  '"',
  "'",
  '~',
  '0',
]

/** Messages as clients send them and as codecs fear them, without end: empty and binary bodies, awkward properties. */
export function* randomMessages(options: RandomMessageOptions = {}): Generator<Message, never> {
  const { seed, maxBody, maxProperties } = { ...RANDOM_MESSAGE_DEFAULTS, ...options }
  const random = randomNumbers(seed)
  const below = (limit: number) => Math.floor(random() * limit)
  const text = () => (random() < 0.5 ? AWKWARD[below(AWKWARD.length)]! : below(2 ** 31).toString(36))
  for (;;) {
    const properties = new Map<string, string | null>()
    for (let left = below(maxProperties + 1); left > 0; left--) {
      properties.set(text() || 'name', random() < 0.1 ? null : text())
    }
    const body = Buffer.alloc(Math.floor(maxBody * random() ** 4))
    const isJson = random() < 0.5
    if (isJson) body.fill('{"celsius":21.5}')
    else for (let at = 0; at < body.length; at++) body[at] = below(256)
    yield createMessage({ body, properties, system: systemProperties(random, text, isJson) })
  }
}

/**
 * Messages that tell which one they are, for following order and loss: message id and body hold their number.
 *
 * @param first - the number of the first one
 */
export function numberedMessages(count: number, first = 0): Message[] {
  return Array.from({ length: count }, (_, index) => {
    const number = String(first + index)
    return createMessage({ body: number, system: { messageId: number } })
  })
}

/**
 * Random numbers from 0 to below 1 that are the same for the same seed.
 * The generator is "mulberry32": 32 bits of state, good enough for tests and nothing else.
 */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function systemProperties(random: () => number, text: () => string, isJson: boolean): SystemProperties {
  return {
    ...(random() < 0.5 ? { messageId: text() } : {}),
    ...(random() < 0.2 ? { correlationId: text() } : {}),
    ...(isJson ? { contentType: 'application/json', contentEncoding: 'utf-8' } : {}),
    ...(random() < 0.2 ? { creationTime: '2026-01-01T00:00:00.000Z' } : {}),
  }
}
