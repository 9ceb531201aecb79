import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ClientPeer, createMessage, type HubSession, type Identity, identityKey } from '@edgewright/core'
import { expect, it } from 'vitest'
import { createGateway, type Gateway, iotHub } from '../src/index.js'
import { EDGE, startCloud } from './cloud.js'

const DEVICES = 1_000
const MODULES = 20
const KILLS = 20
const ROUNDS = 40

it('a thousand devices and twenty modules share one link that is killed twenty times: nothing lost, all in order', {
  timeout: 180_000,
}, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'edgewright-outage-'))
  await using cloud = await startCloud()
  const { emulator } = cloud
  const identities: Identity[] = [
    ...Array.from({ length: DEVICES }, (_, index) => ({ deviceId: `device-${index}` })),
    ...Array.from({ length: MODULES }, (_, index) => ({ deviceId: EDGE, moduleId: `module-${index}` })),
  ]
  for (const { deviceId, moduleId } of identities) {
    if (moduleId === undefined) emulator.registry.createDevice({ deviceId, parentId: EDGE })
    else emulator.registry.createModule({ deviceId, moduleId })
  }
  const upstream = iotHub({ connectionString: cloud.connectionString, ca: cloud.ca, ports: cloud.ports })
  const routes = { all: 'FROM /messages/* INTO $upstream' }
  await using gateway = createGateway({ dataDir, upstream, routes, maxClients: 2_000 })
  await gateway.start()
  const sessions = await Promise.all(identities.map(identity => open(gateway, identity)))

  for (let round = 0; round < ROUNDS; round++) {
    const sent = sessions.map(session => session.send([createMessage({ body: String(round) })]))
    for (const refusals of await Promise.all(sent)) expect(refusals).toEqual([])
    if (round % (ROUNDS / KILLS) === 0)
      await killLink(
        gateway,
        () => emulator.cut(),
        () => emulator.restore(),
      )
  }
  const bySender = new Map<string, Set<number>>(identities.map(identity => [identityKey(identity), new Set()]))
  let missing = identities.length * ROUNDS
  for await (const { sender, message } of emulator.events) {
    const numbers = bySender.get(identityKey(sender))!
    if (!numbers.has(Number(Buffer.from(message.body)))) missing--
    numbers.add(Number(Buffer.from(message.body)))
    if (missing === 0) break
  }
  expect(emulator.openConnections.amqp).toBe(1)
  // A set keeps the order in which its members first came.
  const inOrder = Array.from({ length: ROUNDS }, (_, round) => round)
  for (const numbers of bySender.values()) expect([...numbers]).toEqual(inOrder)
  await gateway.stop()
  await rm(dataDir, { recursive: true })
})

/** Cuts the link, waits until that is known, and lets it come back. */
async function killLink(gateway: Gateway, cut: () => void, restore: () => void): Promise<void> {
  const change = () => new Promise<void>(resolve => gateway.once('connectivity', () => resolve()))
  const offline = change()
  cut()
  await offline
  const online = change()
  restore()
  await online
}

async function open(gateway: Gateway, identity: Identity): Promise<HubSession> {
  const nothing = () => undefined
  const method = () => Promise.reject(new Error('takes no methods'))
  const peer: ClientPeer = { transport: 'test', deliver: nothing, desired: nothing, method, close: nothing }
  const { session } = await gateway.hub.openSession({ identity, peer, persistent: false })
  return session
}
