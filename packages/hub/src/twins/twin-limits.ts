import { EdgewrightError, isJsonObject, type JsonObject, type JsonValue } from '@edgewright/core'

/** What twin properties may hold. Source: IoT Hub developer guide, "Device twin size" and "Device twin format". */
export const TWIN_LIMITS = Object.freeze({
  /** Bytes of JSON of all reported properties. */
  bytes: 32_768,
  depth: 10,
  /** Bytes of a name. */
  name: 1_024,
  /** Bytes of a text. */
  text: 4_096,
  /** Whole numbers lie from −2⁵² to below 2⁵². */
  integer: 2 ** 52,
})

/**
 * Checks a reported patch by itself.
 *
 * @throws `TWIN_INVALID` with the place of the first offence
 */
export function validateTwinPatch(patch: JsonObject): void {
  validateObject(patch, '', 1)
}

/**
 * Checks the size of properties as they would stand after a patch.
 *
 * @throws `TWIN_INVALID`
 */
export function validateTwinSize(properties: JsonObject): void {
  const size = Buffer.byteLength(JSON.stringify(properties))
  if (size > TWIN_LIMITS.bytes)
    refuse('', `the properties take ${size} bytes, at most ${TWIN_LIMITS.bytes} are allowed`)
}

function validateObject(value: JsonObject, place: string, depth: number): void {
  if (depth > TWIN_LIMITS.depth) refuse(place, `is nested deeper than ${TWIN_LIMITS.depth} levels`)
  for (const [name, inner] of Object.entries(value)) {
    const path = place === '' ? name : `${place}.${name}`
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    if (name === '' || /[\u0000-\u001f\u007f-\u009f.$#\s]/.test(name))
      refuse(path, 'has a name with a forbidden character')
    if (Buffer.byteLength(name) > TWIN_LIMITS.name) refuse(path, `has a name over ${TWIN_LIMITS.name} bytes`)
    validateValue(inner, path, depth)
  }
}

function validateValue(value: JsonValue, place: string, depth: number): void {
  if (typeof value === 'string' && Buffer.byteLength(value) > TWIN_LIMITS.text) {
    refuse(place, `holds a text over ${TWIN_LIMITS.text} bytes`)
  }
  const { integer } = TWIN_LIMITS
  if (typeof value === 'number' && Number.isInteger(value) && (value < -integer || value >= integer)) {
    refuse(place, 'holds a whole number beyond 52 bits')
  }
  if (Array.isArray(value)) {
    if (depth >= TWIN_LIMITS.depth) refuse(place, `is nested deeper than ${TWIN_LIMITS.depth} levels`)
    value.forEach((item: JsonValue, index) => {
      if (item === null) refuse(`${place}[${index}]`, 'is null inside a list')
      validateValue(item, `${place}[${index}]`, depth + 1)
    })
  } else if (isJsonObject(value)) validateObject(value, place, depth + 1)
}

function refuse(place: string, problem: string): never {
  throw new EdgewrightError('TWIN_INVALID', `Reported properties are refused: ${place || 'the whole'} ${problem}`, {
    place,
    remedy: 'Keep within the limits of IoT Hub twins.',
  })
}
