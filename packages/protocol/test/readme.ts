import { createMessage } from '@edgewright/core'
import {
  createSasToken,
  encodeAmqpMessage,
  formatClientTopic,
  formatSasAudience,
  parseClientTopic,
  parseConnectionString,
  parseSasToken,
  Refusal,
  telemetryToAmqp,
  verifySasToken,
} from '@edgewright/protocol'

const parsed = parseConnectionString('HostName=hub.net;DeviceId=press-7;SharedAccessKey=c2VjcmV0')
if (parsed.kind !== 'identity' || parsed.credential.kind !== 'key') throw new Error('not of a device')
const { hostName, identity, credential } = parsed

const resource = formatSasAudience(hostName, identity)
const expiresAt = Date.now() + 3_600_000
const token = parseSasToken(createSasToken({ resource, expiresAt, key: credential.key }))
if (token instanceof Refusal) throw new Error(`${token.reason} at ${token.offset}`)
const expected = { hosts: [hostName], identities: [identity], keys: [credential.key], now: Date.now() }
export const verdict = verifySasToken(token, expected)

const message = createMessage({ body: '{"celsius":21.5}', properties: { line: 'A 1' } })
export const topic = formatClientTopic({ kind: 'telemetry', identity, ...message })
export const sent = parseClientTopic(topic)
export const transfer = encodeAmqpMessage(telemetryToAmqp(message))
