import { setTimeout as passed } from 'node:timers/promises'
import { createMessage, type Identity, identityKey } from '@edgewright/core'
import { describe, expect, test } from 'vitest'
import { becomes, numbered } from './fixture.js'
import { type EmulatedHub, emulatedHub } from './emulator-cloud.js'

// All of it takes half a minute: SCALE_DEVICES=1000 SCALE_CUTS=20.
const DEVICES = Number(process.env.SCALE_DEVICES ?? 100)
const MODULES = 20
const MESSAGES = 20
const CUTS = Number(process.env.SCALE_CUTS ?? 5)

/** Sends as a pump does: again from the first message that is to be given again. */
async function deliver(hub: EmulatedHub, identity: Identity, prefix: string): Promise<void> {
  const session = hub.upstream.session(identity)
  for (let waiting = numbered(MESSAGES, prefix); waiting.length > 0; ) {
    const outcomes = await session.send(waiting.slice(0, 5))
    const again = outcomes.findIndex(({ kind }) => kind === 'retry')
    waiting = waiting.slice(again < 0 ? outcomes.length : again)
    if (again < 0) continue
    await passed(5)
    await becomes('online', hub.upstream)
  }
}

describe(`${DEVICES} devices and ${MODULES} modules`, () => {
  test('share one connection, and lose nothing and no order while it is cut again and again', async () => {
    const hub = await emulatedHub()
    const { emulator, upstream } = hub
    const identities: Identity[] = []
    for (let at = 0; at < DEVICES; at++) {
      identities.push(emulator.registry.createDevice({ deviceId: `d${at}`, parentId: 'edge' }).identity)
    }
    for (let at = 0; at < MODULES; at++) {
      identities.push(emulator.registry.createModule({ deviceId: 'edge', moduleId: `m${at}` }).identity)
    }
    await upstream.start()
    await becomes('online', upstream)
    let isDone = false
    const delivered = Promise.all(identities.map((identity, at) => deliver(hub, identity, `${at}-`))).then(() => {
      isDone = true
    })
    let cuts = 0
    const total = identities.length * MESSAGES
    while (!isDone) {
      await passed(5)
      if (cuts < CUTS && emulator.events.snapshot().length > (cuts * total) / CUTS) {
        cuts += 1
        expect(emulator.openConnections.amqp).toBeLessThanOrEqual(1)
        emulator.faults.drop()
        await becomes('offline', upstream)
      }
    }
    await delivered
    const bySender = new Map<string, Set<string>>()
    for (const { sender, message } of emulator.events.snapshot()) {
      const key = identityKey(sender)
      bySender.set(key, (bySender.get(key) ?? new Set()).add(Buffer.from(message.body).toString()))
    }
    expect(cuts).toBe(CUTS)
    for (const [at, identity] of identities.entries()) {
      expect([...bySender.get(identityKey(identity))!]).toEqual(
        numbered(MESSAGES, `${at}-`).map(({ body }) => body.toString()),
      )
    }
    await upstream.stop()
    await hub.dispose()
  }, 120_000)
})

test('10,000 messages of 1 KiB drain in under 10 s over a link of 50 ms', async () => {
  const hub = await emulatedHub()
  hub.emulator.faults.inject({ kind: 'delay', milliseconds: 25 })
  await hub.upstream.start()
  await becomes('online', hub.upstream)
  const session = hub.upstream.session(hub.identities[0]!)
  const batch = Array.from({ length: 250 }, () => createMessage({ body: Buffer.alloc(1_024, 'x') }))
  const began = performance.now()
  for (let sent = 0; sent < 10_000; sent += batch.length) await session.send(batch)
  expect(performance.now() - began).toBeLessThan(10_000)
  await hub.upstream.stop()
  await hub.dispose()
}, 60_000)
