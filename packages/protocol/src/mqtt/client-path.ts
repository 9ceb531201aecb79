import type { Identity } from '@edgewright/core'

/** `devices/{d}` or `devices/{d}/modules/{m}`: ids stand raw in topics, and never contain `/`. */
export function clientPath(identity: Identity): string {
  const device = `devices/${identity.deviceId}`
  return identity.moduleId === undefined ? device : `${device}/modules/${identity.moduleId}`
}

/** The identity at the head of a topic, and what follows it, which begins with `/`. */
export interface ClientPath {
  readonly identity: Identity
  readonly rest: string
}

/** Reads what {@link clientPath} writes; undefined when the topic does not begin so. */
export function parseClientPath(topic: string): ClientPath | undefined {
  const match = /^devices\/([^/]+)(?:\/modules\/([^/]+))?(\/.*)$/s.exec(topic)
  if (match === null) return undefined
  const [, deviceId = '', moduleId, rest = ''] = match
  return { identity: moduleId === undefined ? { deviceId } : { deviceId, moduleId }, rest }
}
