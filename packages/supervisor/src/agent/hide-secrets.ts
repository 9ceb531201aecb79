import { isJsonObject, type JsonObject, type JsonValue } from '@edgewright/core'

/** Stands in for what is not to be told. */
export const HIDDEN = '***'

/** Names of members whose value is a secret, whatever it looks like. */
const SECRET_NAME =
  /pass(word|wd|phrase)?$|secret|token|credential|api_?-?key|access_?-?key|private_?-?key|connection_?-?string|^sas|auth$/i

/** Secrets inside of texts: `name=value` and `name value` of options, signatures, and logins of addresses. */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/((?:pass(?:word|wd|phrase)?|secret|token|key|sig|pwd)["']?(?:\s*[=:]\s*|\s+)["']?)[^\s;&,"']+/gi, `$1${HIDDEN}`],
  [/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:)[^\s/@]+@/gi, `$1${HIDDEN}@`],
  [/(\b(?:bearer|basic)\s+)[\w.~+/=-]+/gi, `$1${HIDDEN}`],
]

/** A text with what looks like a secret taken out. */
export function hideInText(text: string): string {
  return SECRETS.reduce((rest, [pattern, substitute]) => rest.replace(pattern, substitute), text)
}

/** Create options of a container with the values of its environment, and what else looks like a secret, taken out. */
export function hideInOptions(options: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [name, hideMember(name, value)]))
}

function hideMember(name: string, value: JsonValue): JsonValue {
  if (/^env$/i.test(name) && Array.isArray(value)) return value.map(hideVariable)
  if (SECRET_NAME.test(name) && (typeof value === 'string' || typeof value === 'number')) return HIDDEN
  return hideValue(value)
}

function hideValue(value: JsonValue): JsonValue {
  if (typeof value === 'string') return hideInText(value)
  if (Array.isArray(value)) return hideInArguments(value)
  return isJsonObject(value) ? hideInOptions(value) : value
}

/** An option that is named like a secret is followed by it. */
function hideInArguments(values: readonly JsonValue[]): readonly JsonValue[] {
  return values.map((value, index) => {
    const before = values[index - 1]
    const isNamed = typeof before === 'string' && /^-/.test(before) && SECRET_NAME.test(before)
    return isNamed && typeof value === 'string' && !value.startsWith('-') ? HIDDEN : hideValue(value)
  })
}

function hideVariable(variable: JsonValue): JsonValue {
  if (typeof variable !== 'string' || !variable.includes('=')) return variable
  return `${variable.slice(0, variable.indexOf('='))}=${HIDDEN}`
}
