import { createMessage, type Message, type MessageSource, type SystemProperties } from '@edgewright/core'

/** A message as the golden file describes it. */
export interface GoldenMessage {
  readonly source?: 'twinChange'
  readonly properties?: Readonly<Record<string, string | null>>
  readonly system?: SystemProperties
  readonly body?: string
  readonly encoding?: 'utf-16' | 'utf-32'
}

/** Telemetry of a device. */
export const telemetry: MessageSource = { kind: 'telemetry' }

/** The message, and where it comes from. */
export function goldenMessage(golden: GoldenMessage): { readonly message: Message; readonly source: MessageSource } {
  const { properties = {}, system = {}, body = '', encoding } = golden
  return {
    message: createMessage({ properties, system, body: encode(body, encoding) }),
    source: golden.source === 'twinChange' ? { kind: 'twinChange' } : telemetry,
  }
}

function encode(text: string, encoding: GoldenMessage['encoding']): Uint8Array | string {
  if (encoding === 'utf-16') return Buffer.from(text, 'utf16le')
  if (encoding === undefined) return text
  const points = Array.from(text, character => character.codePointAt(0)!)
  return new Uint8Array(Uint32Array.from(points).buffer)
}
