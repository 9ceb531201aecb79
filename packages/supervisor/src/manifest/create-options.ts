import { isJsonObject, type JsonObject, type JsonValue } from '@edgewright/core'
import type { Reader } from './reader.js'

/** The most parts that create options may come in. */
const MAX_CHUNKS = 100

/** Characters of one part, when they are written: an old limit of twin values that readers still expect. */
const CHUNK_LENGTH = 512

/**
 * The create options among a module's settings: the body of the engine's `POST /containers/create`, as an object, as
 * text, or as text in parts `createOptions`, `createOptions01`, … `createOptions99`.
 */
export function readCreateOptions(settings: Reader): JsonObject {
  const whole = settings.value('createOptions')
  const parts = chunksOf(settings)
  if (isJsonObject(whole) && parts.length === 0) return whole
  if (whole === undefined && parts.length > 0) settings.refuse('createOptions', 'it is missing, but parts of it follow')
  const texts = [whole ?? '', ...parts]
  if (!texts.every(part => typeof part === 'string')) {
    settings.refuse('createOptions', 'a text or one object is wanted')
    return {}
  }
  return parseOptions(texts.join(''), settings)
}

/** Create options as reports write them: parts of at most 512 characters under the names that are read above. */
export function formatCreateOptions(options: JsonObject): Readonly<Record<string, string>> {
  const text = JSON.stringify(options)
  const chunks: Record<string, string> = {}
  for (let at = 0, index = 0; at < text.length; at += CHUNK_LENGTH, index++) {
    chunks[chunkName(index)] = text.slice(at, at + CHUNK_LENGTH)
  }
  return chunks
}

function chunksOf(settings: Reader): JsonValue[] {
  const names = settings.members().flatMap(([name]) => /^createOptions(\d{2})$/i.exec(name)?.[1] ?? [])
  const present = names.filter(digits => digits !== '00').length
  const chunks: JsonValue[] = []
  for (let index = 1; index < MAX_CHUNKS; index++) {
    const chunk = settings.value(chunkName(index))
    if (chunk === undefined) break
    chunks.push(chunk)
  }
  if (chunks.length < present) settings.refuse(chunkName(chunks.length + 1), 'it is missing, but later parts follow')
  return chunks
}

function parseOptions(text: string, settings: Reader): JsonObject {
  if (text.trim() === '') return {}
  try {
    const parsed: unknown = JSON.parse(text)
    if (parsed === null) return {}
    if (isJsonObject(parsed)) return parsed
    settings.refuse('createOptions', 'the text must hold a JSON object')
  } catch {
    settings.refuse('createOptions', 'the text is not JSON')
  }
  return {}
}

function chunkName(index: number): string {
  return index === 0 ? 'createOptions' : `createOptions${String(index).padStart(2, '0')}`
}
