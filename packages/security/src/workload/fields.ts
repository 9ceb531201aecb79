import { isJsonObject, type JsonValue } from '@edgewright/core'
import { WorkloadRefusal } from './answer.js'

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** A member of a body that must be text. */
export function textField(body: JsonValue | undefined, name: string): string {
  if (body === undefined) throw new WorkloadRefusal(400, 'missing request body')
  const value = isJsonObject(body) ? body[name] : undefined
  if (typeof value !== 'string') throw new WorkloadRefusal(422, `missing field \`${name}\``)
  return value
}

/** A member of a body that must be Base64 in its standard form, decoded. */
export function base64Field(body: JsonValue | undefined, name: string): Buffer {
  const text = textField(body, name)
  if (!BASE64.test(text)) throw new WorkloadRefusal(400, `invalid parameter: ${name} is not base64`)
  return Buffer.from(text, 'base64')
}
