import { createMessage, type Connectivity, type Identity, identityKey } from '@edgewright/core'
import { createSasToken } from '@edgewright/protocol'
import { IotHubUpstream, type IotHubUpstreamOptions } from '../src/index.js'
import type { RheaHub } from './rhea-hub.js'

const KEY = Buffer.from('a key').toString('base64')

/** A device and a module of it. */
export const DEVICE = { deviceId: 'press' }
export const MODULE = { deviceId: 'press', moduleId: 'sensor' }

/** An upstream that leads to a hub of the test's. */
export function upstreamTo(target: RheaHub, options: Partial<IotHubUpstreamOptions> = {}): IotHubUpstream {
  return new IotHubUpstream({
    host: 'hub.test',
    gatewayHost: '127.0.0.1',
    ...(options.ports === undefined ? { ports: { amqp: target.port } } : {}),
    ca: target.certificates.ca,
    token: async (_, resource, expiresAt) => createSasToken({ resource, expiresAt, key: KEY }),
    reconnect: { first: 20, most: 50 },
    ...options,
  })
}

/** Resolves with the connectivity once it is of a type. */
export function becomes(type: Connectivity['type'], of: IotHubUpstream): Promise<Connectivity> {
  if (of.connectivity.type === type) return Promise.resolve(of.connectivity)
  return new Promise(resolve => of.once('connectivity', resolve))
}

/** So many messages, told apart by their bodies. */
export function numbered(count: number, prefix = 'm') {
  return Array.from({ length: count }, (_, at) => createMessage({ body: `${prefix}${at}` }))
}

/** What arrived from an identity, in order. */
export function bodies(hub: RheaHub, of: Identity): string[] {
  return hub.arrivals.filter(({ sender }) => sender === identityKey(of)).map(({ message }) => message.body.toString())
}
