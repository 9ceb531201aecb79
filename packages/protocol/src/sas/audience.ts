import type { Identity } from '@edgewright/core'
import { percentDecode, percentEncode } from '../percent.js'
import { Refusal } from '../refusal.js'

/** What a token is good for. */
export interface SasAudience {
  /** Host of the hub or gateway, in lower case. */
  readonly host: string
  /** What follows the host, decoded; empty for the hub as a whole, as service tokens have it. */
  readonly path: readonly string[]
  /** The device or module that the path names, when it has the form of one. */
  readonly identity?: Identity | undefined
}

/**
 * The audience of a token, from its `resource`. Ids may be encoded once or twice, so each is decoded once more than the
 * whole; the words `devices` and `modules` are not compared, as in edgeHub, only their places count.
 */
export function parseSasAudience(resource: string): SasAudience | Refusal {
  const decoded = percentDecode(resource)
  if (decoded === undefined) return new Refusal('the audience is not percent-encoded text', 0)
  const scheme = /^(?:sb|amqps):\/\//i.exec(decoded)?.[0] ?? ''
  const [host = '', ...segments] = decoded.slice(scheme.length).replace(/\/$/, '').split('/')
  if (host === '') return new Refusal('the audience names no host', 0)
  const path = segments.map(segment => percentDecode(segment) ?? segment)
  const identity = identityOf(path)
  return { host: host.toLowerCase(), path, ...(identity === undefined ? {} : { identity }) }
}

/** The encoded audience of an identity on a host, as `sr` of a token. */
export function formatSasAudience(host: string, identity: Identity): string {
  const module = identity.moduleId === undefined ? '' : `/modules/${percentEncode(identity.moduleId)}`
  return percentEncode(`${host}/devices/${percentEncode(identity.deviceId)}${module}`)
}

function identityOf(path: readonly string[]): Identity | undefined {
  const [, deviceId, , moduleId] = path
  if (!deviceId) return undefined
  if (path.length === 2) return { deviceId }
  return path.length === 4 && moduleId ? { deviceId, moduleId } : undefined
}
