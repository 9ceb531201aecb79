import type { LogFields } from '@edgewright/core'
import { type VirtualClock, virtualClock } from '@edgewright/testkit'
import rhea from 'rhea'
import { afterEach, beforeEach } from 'vitest'
import { AmqpFrontEnd, type AmqpFrontEndOptions } from '../src/index.js'
import { MemoryHost } from './memory-host.js'
import { RawAmqpClient } from './raw-amqp-client.js'

/*
 * An AMQP front-end on a virtual clock and the clients that dialled it, anew for each test of the file that imports this.
 */
export const device = { deviceId: 'press-7' }
export const module = { deviceId: 'gateway', moduleId: 'filter' }
export const EVENTS = '/devices/press-7/messages/events'
export const COMMANDS = '/devices/press-7/messages/devicebound'

export let clock: VirtualClock
export let host: MemoryHost
export let frontEnd: AmqpFrontEnd
/** What the front-end gave in its log as reasons. */
export let reasons: string[]
let clients: RawAmqpClient[]

beforeEach(async () => {
  clock = virtualClock({ start: Date.now() })
  host = new MemoryHost([device, module])
  reasons = []
  clients = []
  await start()
})

afterEach(async () => {
  for (const client of clients) client.destroy()
  await frontEnd.stop()
})

/** Starts the front-end, with other options than before. */
export async function start(options: Partial<AmqpFrontEndOptions> = {}): Promise<void> {
  frontEnd = new AmqpFrontEnd({
    host,
    clock,
    listen: { address: '127.0.0.1', port: 0 },
    tls: 'none',
    logger: { log: (_level, _message, fields?: LogFields) => void reasons.push(String(fields?.reason)) },
    ...options,
  })
  await frontEnd.start()
}

export async function dial(options?: object): Promise<RawAmqpClient> {
  const client = await RawAmqpClient.to(frontEnd.address().port, options)
  clients.push(client)
  return client
}

export async function login(...identities: (typeof device | typeof module)[]): Promise<RawAmqpClient> {
  const client = await dial()
  for (const identity of identities) await client.login(identity)
  return client
}

export function data(body: string | Buffer) {
  return rhea.message.data_section(Buffer.from(body as string))
}
