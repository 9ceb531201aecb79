import assert from 'node:assert/strict'
import { createMessage } from '@edgewright/core'
import { bodies, numbered, online, sendAll } from './fixture.js'
import type { UpstreamTests } from './subject.js'

/** Messages on their way to the cloud. */
export const telemetryTests: UpstreamTests = ({ describe, it }, make) => {
  describe('telemetry', () => {
    it(
      'arrives once, in order, with an outcome for each',
      online(make, async ({ upstream, cloud, identities: [identity] }) => {
        const messages = numbered(500)
        const outcomes = await upstream.session(identity!).send(messages)
        assert.equal(outcomes.length, 500)
        assert.ok(outcomes.every(({ kind }) => kind === 'accepted'))
        assert.deepEqual(bodies(cloud.arrived(identity!)), bodies(messages))
      }),
    )

    it(
      'of several calls at once keeps the order of the calls',
      online(make, async ({ upstream, cloud, identities: [identity] }) => {
        const session = upstream.session(identity!)
        const batches = Array.from({ length: 10 }, (_, at) => numbered(20, `${at}-`))
        await Promise.all(batches.map(batch => session.send(batch)))
        assert.deepEqual(bodies(cloud.arrived(identity!)), bodies(batches.flat()))
      }),
    )

    it(
      'of many identities arrives under the name of its sender',
      online(make, async ({ upstream, cloud, identities }) => {
        await Promise.all(identities.map((identity, at) => upstream.session(identity).send(numbered(50, `${at}-`))))
        for (const [at, identity] of identities.entries()) {
          assert.deepEqual(bodies(cloud.arrived(identity)), bodies(numbered(50, `${at}-`)))
        }
      }),
    )

    it(
      'keeps its body to the byte, and its properties',
      online(make, async ({ upstream, cloud, identities: [identity] }) => {
        const message = createMessage({
          body: Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
          properties: { 'a b': 'c=d&e', ünï: '✓', empty: '' },
          system: { messageId: 'id/1', correlationId: 'c', contentType: 'application/json', contentEncoding: 'utf-8' },
        })
        await upstream.session(identity!).send([message])
        const arrived = cloud.arrived(identity!)[0]!
        assert.deepEqual(Buffer.from(arrived.body), Buffer.from(message.body))
        assert.deepEqual(Object.fromEntries(arrived.properties), Object.fromEntries(message.properties))
        for (const [name, value] of Object.entries(message.system)) {
          assert.equal(arrived.system[name as keyof typeof arrived.system], value, name)
        }
      }),
    )

    it(
      'may be empty, or large',
      online(make, async ({ upstream, cloud, identities: [identity] }) => {
        const messages = [0, 1, 200_000].map(size => createMessage({ body: Buffer.alloc(size, 'x') }))
        const outcomes = await upstream.session(identity!).send(messages)
        assert.deepEqual(
          outcomes.map(({ kind }) => kind),
          ['accepted', 'accepted', 'accepted'],
        )
        assert.deepEqual(
          cloud.arrived(identity!).map(({ body }) => body.byteLength),
          [0, 1, 200_000],
        )
      }),
    )

    it(
      'that the cloud has no time for is to be given again, and arrives in order when it has',
      online(make, async subject => {
        const {
          cloud,
          upstream,
          identities: [identity],
        } = subject
        if (cloud.setThrottled === undefined) return
        await upstream.session(identity!).send(numbered(1, 'first'))
        await cloud.setThrottled(true)
        const outcomes = await upstream.session(identity!).send(numbered(20))
        assert.ok(outcomes.every(({ kind }) => kind === 'retry'))
        assert.equal(upstream.connectivity.type, 'online')
        await cloud.setThrottled(false)
        await sendAll(subject, numbered(20))
        assert.deepEqual(bodies(cloud.arrived(identity!)), ['first0', ...bodies(numbered(20))])
      }),
    )

    it(
      'that is none has no outcomes',
      online(make, async ({ upstream, identities: [identity] }) => {
        assert.deepEqual(await upstream.session(identity!).send([]), [])
      }),
    )

    it(
      'is given back when the caller no longer waits',
      online(make, async ({ upstream, identities: [identity] }) => {
        const outcomes = await upstream.session(identity!).send(numbered(3), AbortSignal.abort())
        assert.equal(outcomes.length, 3)
        assert.ok(outcomes.every(({ kind }) => kind === 'retry' || kind === 'accepted'))
      }),
    )
  })
}
