import { createHmac } from 'node:crypto'
import { percentDecode, percentEncode } from '../percent.js'
import { Refusal } from '../refusal.js'

/** The longest token that is looked at, in characters: two ids of 128 characters, encoded twice, leave room to spare. */
export const MAX_SAS_TOKEN_LENGTH = 8_192

/** A shared access signature, taken apart. Source: IoT Hub, "Control access with shared access signatures". */
export interface SasToken {
  /** The audience exactly as it stands in the token, still encoded, because that is what was signed. */
  readonly resource: string
  readonly signature: Uint8Array
  /** Seconds since 1970, as sent: the text is part of what was signed. */
  readonly expiry: string
  /** The shared access policy whose key signed; absent: the key of the device or module. */
  readonly policy?: string | undefined
}

const SCHEME = 'SharedAccessSignature'
const SIGNATURE_BYTES = 32

/** Takes a token apart. Says nothing about whether it is valid: that is {@link verifySasToken}. */
export function parseSasToken(text: string): SasToken | Refusal {
  if (text.length > MAX_SAS_TOKEN_LENGTH) return new Refusal('the token is too long', MAX_SAS_TOKEN_LENGTH)
  if (!text.startsWith(SCHEME)) return new Refusal(`the token does not begin with ${SCHEME}`, 0)
  const start = SCHEME.length + 1
  if (!/^\s\S+$/.test(text.slice(SCHEME.length))) {
    return new Refusal('one whitespace must stand after the scheme, and none elsewhere', SCHEME.length)
  }
  const fields = parseFields(text, start)
  if (fields instanceof Refusal) return fields
  const [resource, sig, expiry] = ['sr', 'sig', 'se'].map(name => fields.get(name))
  if (resource === undefined || sig === undefined || expiry === undefined) {
    return new Refusal('sr, sig and se must all be present', start)
  }
  if (!/^\d{1,15}$/.test(expiry.value)) return new Refusal('the expiry is not a number of seconds', expiry.offset)
  const signature = percentDecode(sig.value)
  if (signature === undefined) return new Refusal('the signature is not percent-encoded text', sig.offset)
  const policy = percentDecode(fields.get('skn')?.value ?? '')
  if (policy === undefined) return new Refusal('the policy is not percent-encoded text', fields.get('skn')!.offset)
  return {
    resource: resource.value,
    signature: Buffer.from(signature, 'base64'),
    expiry: expiry.value,
    ...(policy === '' ? {} : { policy }),
  }
}

/** The text of a token. */
export function formatSasToken(token: SasToken): string {
  const signature = percentEncode(Buffer.from(token.signature).toString('base64'))
  const policy = token.policy === undefined ? '' : `&skn=${percentEncode(token.policy)}`
  return `${SCHEME} sr=${token.resource}&sig=${signature}&se=${token.expiry}${policy}`
}

/** What is signed: the audience as it stands in the token, a newline, the expiry as it stands in the token. */
export function sasSignText(resource: string, expiry: string): string {
  return `${resource}\n${expiry}`
}

/** What {@link createSasToken} signs. */
export interface SasTokenOptions {
  /** The encoded audience: see {@link formatSasAudience}. */
  readonly resource: string
  /** Milliseconds since 1970; rounded up to a second. */
  readonly expiresAt: number
  /** Base64, as registries and connection strings hold it. */
  readonly key: string
  readonly policy?: string | undefined
}

/** A token signed with a key at hand. Whoever signs elsewhere uses {@link sasSignText} and {@link formatSasToken}. */
export function createSasToken({ resource, expiresAt, key, policy }: SasTokenOptions): string {
  const expiry = String(Math.ceil(expiresAt / 1000))
  return formatSasToken({ resource, expiry, policy, signature: sasSignature(sasSignText(resource, expiry), key) })
}

/** HMAC-SHA256 of a text under a base64 key; {@link SasToken.signature} of a token that the key signed. */
export function sasSignature(text: string, key: string): Uint8Array {
  return createHmac('sha256', Buffer.from(key, 'base64')).update(text, 'utf8').digest()
}

/** Whether bytes can be a signature at all. */
export function isSignatureLength(signature: Uint8Array): boolean {
  return signature.byteLength === SIGNATURE_BYTES
}

interface Field {
  readonly value: string
  readonly offset: number
}

function parseFields(text: string, start: number): Map<string, Field> | Refusal {
  const fields = new Map<string, Field>()
  let offset = start
  for (const part of text.slice(start).split('&')) {
    const equals = part.indexOf('=')
    if (equals < 0) return new Refusal('a field has no value', offset)
    const name = part.slice(0, equals).toLowerCase()
    if (fields.has(name)) return new Refusal('a field stands twice', offset)
    fields.set(name, { value: part.slice(equals + 1), offset: offset + equals + 1 })
    offset += part.length + 1
  }
  return fields
}
